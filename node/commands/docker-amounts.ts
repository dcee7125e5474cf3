/** Amounts as people write them for Docker, made what a job's fields take. What is no such amount is left for the schema. */

import { InvalidArgumentError } from 'commander'
import { formatBytes, parseBytes } from '../../protocol/units.ts'

/** Docker's units are powers of 1024, whatever their case. */
const UNITS: Readonly<Record<string, string>> = { k: 'Ki', m: 'Mi', g: 'Gi', t: 'Ti' }
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/** `512M`, `2g`, `64kb` and `2GiB` as `512Mi`, `2Gi`, `64Ki` and `2Gi`. */
export function amount(text: string): string {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?(?:([kmgt])i?)?b?$/i.exec(text) ?? []
  return number === undefined ? text : `${number}${UNITS[unit.toLowerCase()] ?? ''}`
}

/** Bytes of an amount within a range, or an error that says so. */
export function bytesWithin(min: number, max: number): (text: string) => number {
  return (text) => {
    const bytes = parseBytes(amount(text))
    if (bytes === null || bytes < min || bytes > max) {
      throw new InvalidArgumentError(
        `Give an amount from ${formatBytes(min)} to ${formatBytes(max)}, such as 512Mi, 512m or 8g.`,
      )
    }
    return bytes
  }
}

/** Millicores of `500`, `500m`, or of cores with a point, such as `0.5` and `1.0`. */
export function millicores(text: string): number {
  const [, whole, fraction] = /^(\d{1,9})(?:m|\.(\d{1,3}))?$/.exec(text) ?? []
  const millis = fraction === undefined ? Number(whole) : Number(whole) * 1_000 + Number(fraction.padEnd(3, '0'))
  if (whole === undefined || millis < 1) {
    throw new InvalidArgumentError('Write millicores, such as 500, or cores with a point, such as 0.5 or 2.0.')
  }
  return millis
}

/** Millicores within a range, or an error that says so. */
export function millicoresWithin(min: number, max: number): (text: string) => number {
  return (text) => {
    const millis = millicores(text)
    if (millis >= min && millis <= max) return millis
    throw new InvalidArgumentError(`Give ${min} to ${max} millicores, or cores with a point, such as 2.0.`)
  }
}

/** Seconds within a range, or an error that says so. */
export function secondsWithin(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = seconds(text)
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`Give ${min} to ${max} seconds; 15m, 2h and 1d are some, too.`)
  }
}

/** Seconds of `90`, `90s`, `15m`, `2h` or `1d`. */
export function seconds(text: string): number {
  const [, number, unit = 's'] = /^(\d{1,9})([smhd])?$/.exec(text) ?? []
  const value = Number(number) * (SECONDS[unit] ?? 1)
  if (number === undefined || value < 1) {
    throw new InvalidArgumentError('Write seconds, such as 600, or 90s, 15m, 2h, 1d.')
  }
  return value
}
