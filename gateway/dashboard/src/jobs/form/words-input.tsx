import { TextInput } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { lineOf, wordsOf } from './words.ts'

interface WordsInputProps {
  label: string
  description?: ReactNode
  placeholder?: string
  value: readonly string[] | undefined
  onChange(words: string[] | undefined): void
  error?: ReactNode
}

/** A command line; what is typed stays as it is while it means the same words. */
export function WordsInput({ value = [], onChange, ...rest }: WordsInputProps) {
  const [typed, setTyped] = useState(() => lineOf(value))
  const isSame = JSON.stringify(wordsOf(typed)) === JSON.stringify(value)
  return (
    <TextInput
      {...rest}
      value={isSame ? typed : lineOf(value)}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        onChange(wordsOf(event.currentTarget.value))
      }}
      classNames={{ input: 'mono' }}
      spellCheck={false}
      autoComplete="off"
    />
  )
}
