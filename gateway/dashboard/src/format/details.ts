import { bytes, cores, number, usd } from './amounts.ts'
import { between, span } from './time.ts'

/** The end of a detail's name says its unit; what is left of the name says what it is of. */
const UNITS: [end: RegExp, write: (value: number) => string][] = [
  [/Bytes$|^bytes(?=[A-Z])/, (value) => bytes(value)],
  [/(?:Cpu)?Millis$|(?<=^cpu)$/, (value) => cores(value)],
  [/Ms$/, (value) => between(0, value)],
  [/Seconds$|(?<=^duration)$/, (value) => span(value)],
  [/(?<=^(?:pricePerHour|minimumCharge|pricePerGb|volumePerGbHour|cost)$)/, (value) => usd(value)],
]

/**
 * A detail of a failure or an event as people read it: `limitBytes: 25165824` is `limit: 24 MiB`, and
 * `reason: out-of-memory` is `reason: out of memory`.
 */
export function detail(name: string, value: unknown): string {
  const amount =
    typeof value === 'number' || (typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value)) ? Number(value) : null
  const unit = amount === null ? undefined : UNITS.find(([end]) => end.test(name))
  if (unit !== undefined && amount !== null) return `${wordsOf(name.replace(unit[0], ''))}: ${unit[1](amount)}`
  return `${wordsOf(name)}: ${amount === null ? textOf(value) : number(amount, 6)}`
}

/** `declineCode` is `decline code`. */
function wordsOf(name: string): string {
  return name.replaceAll(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter}`).toLowerCase()
}

/** Words with hyphens between them are words; all else stays as it is. */
function textOf(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  const text = String(value)
  return /^[a-z]+(?:-[a-z]+)+$/.test(text) ? text.replaceAll('-', ' ') : text
}
