import { isUtf8 } from 'node:buffer'
import type { DumpRecord } from '../store/dump.ts'

/** A record as a line of JSON: its key, and its value as text, or as `{ base64 }` where it is none. */
export function recordLine([key, value]: DumpRecord): string {
  const written = isUtf8(value) ? value.toString('utf8') : { base64: value.toString('base64') }
  return `${JSON.stringify([key, written])}\n`
}

/** @throws {Error} where a line is no record */
export function recordsOf(text: string): DumpRecord[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [key, value] = JSON.parse(line) as [unknown, unknown]
      if (typeof key !== 'string' || key === '') throw new Error('a record has no key')
      if (typeof value === 'string') return [key, Buffer.from(value, 'utf8')]
      const { base64 } = (value ?? {}) as { base64?: unknown }
      if (typeof base64 !== 'string') throw new Error('a record has no value')
      return [key, Buffer.from(base64, 'base64')]
    })
}
