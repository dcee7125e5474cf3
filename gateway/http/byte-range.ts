import { GatewayError } from './errors.ts'

/** A part of a file, in bytes; never empty. */
export interface ByteRange {
  from: number
  length: number
}

/**
 * What a `Range` header asks for; null for the whole, as of several ranges, units other than bytes, and what cannot be read.
 * @throws {GatewayError} RANGE_NOT_SATISFIABLE where it begins behind the end
 */
export function rangeOf(header: string | undefined, size: number): ByteRange | null {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return null
  if (first !== '' && last !== '' && Number(last) < Number(first)) return null
  const from = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (from < end) return { from, length: end - from }
  const headers = { 'Content-Range': `bytes */${size}` }
  throw new GatewayError('RANGE_NOT_SATISFIABLE', `The file has ${size} bytes: ask for less`, { headers })
}

/** Headers of an answer that is a file, or a part of one. */
export function rangeHeaders(range: ByteRange | null, size: number): Record<string, string> {
  if (range === null) return { 'Content-Length': String(size), 'Accept-Ranges': 'bytes' }
  return {
    'Content-Length': String(range.length),
    'Content-Range': `bytes ${range.from}-${range.from + range.length - 1}/${size}`,
    'Accept-Ranges': 'bytes',
  }
}
