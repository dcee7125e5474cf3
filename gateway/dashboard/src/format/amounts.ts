import { aboutDollars, dollars } from '../../../contract/plain-words.ts'
import { parseBytes } from '../../../contract/units.ts'

// Made once: making one takes longer than a table's row.
const formats = new Map<number, Intl.NumberFormat>()

/** `0.5 cores`, `2 cores`. */
export function cores(millicores: number | undefined): string {
  if (millicores === undefined) return '–'
  const count = millicores / 1000
  return `${number(count, 3)} ${count === 1 ? 'core' : 'cores'}`
}

/** An amount of bytes or its text (`512Mi`) as people read it: `512 MiB`. */
export function bytes(amount: string | number | undefined | null): string {
  const value = typeof amount === 'number' ? amount : amount ? parseBytes(amount) : null
  if (value === null || !Number.isFinite(value)) return '–'
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let unit = 0
  let rest = value
  while (rest >= 1024 && unit < units.length - 1) {
    rest /= 1024
    unit += 1
  }
  return `${number(rest, rest < 10 && unit > 0 ? 1 : 0)} ${units[unit]}`
}

/** The bytes of `512Mi`; 0 where it is no amount. */
export function bytesOf(text: string | undefined): number {
  return text === undefined ? 0 : (parseBytes(text) ?? 0)
}

/** `1 row`, `1,200 rows`. */
export function counted(count: number, what: string): string {
  return `${number(count)} ${what}${count === 1 ? '' : 's'}`
}

/** With commas between thousands: `1,200`. @param digits behind the point, at most */
export function number(value: number, digits = 0): string {
  let format = formats.get(digits)
  if (format === undefined) {
    format = new Intl.NumberFormat('en', { maximumFractionDigits: digits })
    formats.set(digits, format)
  }
  return format.format(value)
}

/** US dollars, with as many digits as small amounts need: `$0.000012`, `$0.0125`, `$1.25`. */
export function usd(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return aboutDollars(value)
}

/** US dollars to the nano-dollar, as the API and the command line say them: what is owed is not rounded. */
export function usdExact(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return dollars(value)
}

/** `2 × NVIDIA H100 80GB HBM3`, with the profile of a part of a card. */
export function gpuName({ count, model, migProfile }: { count: number; model: string; migProfile: string }): string {
  return `${count} × ${model || 'GPU'}${migProfile === '' ? '' : ` MIG ${migProfile}`}`
}
