import { NumberInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'

const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const
type Unit = keyof typeof UNITS
const NAMES = Object.keys(UNITS) as Unit[]

interface DurationInputProps {
  label: string
  /** Seconds. */
  value: number | undefined
  onChange(seconds: number | undefined): void
  error?: ReactNode
  description?: ReactNode
  placeholder?: string
}

/** A time as a number and its unit. */
export function DurationInput({ label, value, onChange, error, description, placeholder }: DurationInputProps) {
  const [chosen, setChosen] = useState<Unit>()
  const best = [...NAMES].reverse().find((name) => value !== undefined && value > 0 && value % UNITS[name] === 0)
  const unit =
    chosen !== undefined && (value === undefined || value % UNITS[chosen] === 0) ? chosen : (best ?? 'minutes')
  return (
    <NumberInput
      label={label}
      description={description}
      value={value === undefined ? '' : value / UNITS[unit]}
      min={0}
      allowNegative={false}
      error={error}
      placeholder={placeholder}
      onChange={(number) => onChange(typeof number === 'number' ? Math.round(number * UNITS[unit]) : undefined)}
      rightSectionWidth={108}
      rightSection={
        <select
          className="unit-select"
          aria-label={`Unit of ${label.toLowerCase()}`}
          value={unit}
          onChange={(event) => {
            const next = event.currentTarget.value as Unit
            setChosen(next)
            if (value !== undefined) onChange((value / UNITS[unit]) * UNITS[next])
          }}
        >
          {NAMES.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      }
    />
  )
}
