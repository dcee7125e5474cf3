import { NumberInput } from '@mantine/core'
import type { ReactNode } from 'react'
import { bytesOf } from '../format/amounts.ts'

const FACTORS = { Mi: 2 ** 20, Gi: 2 ** 30, Ti: 2 ** 40 } as const
type Unit = keyof typeof FACTORS
const NAMES = Object.keys(FACTORS) as Unit[]

interface BytesInputProps {
  label?: string
  description?: string
  name: string
  /** As the API takes it, e.g. `512Mi`. */
  value: string | undefined
  onChange(value: string | undefined): void
  error?: ReactNode
  placeholder?: string
}

/** An amount of memory or storage with its unit. */
export function BytesInput({ label, description, name, value, onChange, error, placeholder }: BytesInputProps) {
  const bytes = bytesOf(value)
  const unit: Unit =
    (value?.slice(-2) as Unit) in FACTORS ? (value?.slice(-2) as Unit) : bytes >= FACTORS.Gi ? 'Gi' : 'Mi'
  return (
    <NumberInput
      {...(label === undefined ? { 'aria-label': name } : { label })}
      description={description}
      value={bytes === 0 ? '' : bytes / FACTORS[unit]}
      min={0}
      allowNegative={false}
      decimalScale={2}
      placeholder={placeholder}
      error={error}
      onChange={(number) => onChange(typeof number === 'number' && number > 0 ? `${number}${unit}` : undefined)}
      rightSectionWidth={76}
      rightSection={
        <select
          className="unit-select"
          aria-label={`Unit of ${name.toLowerCase()}`}
          value={unit}
          onChange={(event) => {
            if (bytes > 0) onChange(`${bytes / FACTORS[unit]}${event.currentTarget.value}`)
          }}
        >
          {NAMES.map((each) => (
            <option key={each} value={each}>
              {each}B
            </option>
          ))}
        </select>
      }
    />
  )
}
