import { Textarea } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { readS3Text, s3Text } from '../../../../contract/s3-words.ts'
import type { Draft } from '../submission.ts'

type Outputs = Draft['outputs']

/** A path, or several, one a line, each with a name before it where it has one. */
export function OutputsInput({
  value,
  error,
  onChange,
}: {
  value: Outputs
  error: ReactNode
  onChange(outputs: Outputs): void
}) {
  const [typed, setTyped] = useState(() => textOf(value))
  const isSame = JSON.stringify(outputsOf(typed)) === JSON.stringify(value ?? '')
  return (
    <Textarea
      label="Outputs"
      description="A path in the container that is kept when it ends; or several, one a line, as name=/path. With -> https://… behind it, it is sent to that presigned URL instead; with -> s3://bucket/key, or s3://bucket/folder/, to a bucket, by keys that are secrets of the job: #region=eu-central-1&accessKeyId=NAME&secretAccessKey=NAME."
      placeholder="/out"
      value={isSame ? typed : textOf(value)}
      error={error}
      autosize
      minRows={1}
      maxRows={8}
      classNames={{ input: 'mono' }}
      spellCheck={false}
      onChange={(event) => {
        setTyped(event.currentTarget.value)
        onChange(outputsOf(event.currentTarget.value))
      }}
    />
  )
}

function textOf(outputs: Outputs): string {
  if (!Array.isArray(outputs)) return outputs ?? ''
  return outputs
    .map(({ name, path, to }) => {
      const called = name === undefined ? path : `${name}=${path}`
      return to === undefined ? called : `${called} -> ${to.s3 === undefined ? to.url : s3Text(to.s3)}`
    })
    .join('\n')
}

function outputsOf(text: string): NonNullable<Outputs> {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const all = lines.map((line) => {
    const [, where = line, url] = /^(.*?) +-> *(.*)$/.exec(line) ?? []
    const [, name, path] = /^([^/=]+)=(.*)$/.exec(where) ?? []
    const to = url === undefined ? {} : { to: targetOf(url) }
    return name === undefined || path === undefined ? { path: where, ...to } : { name, path, ...to }
  })
  const [first] = all
  if (first === undefined) return ''
  return all.length === 1 && !('name' in first || 'to' in first) ? first.path : all
}

/** What cannot be read as a bucket stays as it was typed, and is refused with what a URL is. */
function targetOf(text: string) {
  const s3 = text.startsWith('s3://') ? readS3Text(text, {}) : text
  return typeof s3 === 'string' ? { url: text } : { s3 }
}
