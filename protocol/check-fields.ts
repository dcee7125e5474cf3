/** Checks of single fields out of a peer's message; each throws {@link WireError} and names the field. */

import { isPeerId, RANDOM_ID_BYTES } from './ids.ts'
import {
  MAX_ADDRESS_LENGTH,
  MAX_ADDRESSES,
  MAX_LABEL_LENGTH,
  MAX_LABELS,
  MAX_PRICE_NANO_USD,
  MAX_TEXT_LENGTH,
} from './limits.ts'
import { isLine } from './text.ts'
import { WireError } from './wire-error.ts'

/** SHA-256. */
const DIGEST_BYTES = 32

/** The last moment that a `Date` can hold, in ms. */
const MAX_TIME_MS = 8.64e15

/** Multiaddrs are printable; whether one can be dialled is found out by dialling. */
const ADDRESS = /^\/[\x21-\x7e]+$/

/** The error of a field that is wrong. `problem` goes on from its name, as in `must be a peer id`. */
export function invalidField(field: string, problem: string): WireError {
  return new WireError('INVALID_FIELD', `${field} ${problem}`, { field })
}

/** Throws `WRONG_NETWORK` where a statement was signed for a market of another name. */
export function checkNetwork(actual: string, expected: string): void {
  if (actual !== expected) throw new WireError('WRONG_NETWORK', `Meant for another network than ${expected}`)
}

/** Throws `WRONG_SIGNER` where the peer that a payload names is not the one whose key signed it. */
export function checkSigner(named: string, signer: string): void {
  if (named !== signer) throw new WireError('WRONG_SIGNER', `Signed by ${signer}, but names another peer`)
}

/** A request or bid id: {@link RANDOM_ID_BYTES} bytes. */
export function checkRandomId(field: string, id: Uint8Array): void {
  if (id.length !== RANDOM_ID_BYTES) throw invalidField(field, `must have ${RANDOM_ID_BYTES} bytes`)
}

/** A SHA-256 digest, of which only the length can be wrong. */
export function checkDigest(field: string, digest: Uint8Array): void {
  if (digest.length !== DIGEST_BYTES) throw invalidField(field, `must have ${DIGEST_BYTES} bytes`)
}

/** See {@link isPeerId}. */
export function checkPeerId(field: string, text: string): void {
  if (!isPeerId(text)) throw invalidField(field, 'must be a peer id')
}

/** Both ends are included; NaN is refused. */
export function checkRange(field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw invalidField(field, `must be from ${min} to ${max}`)
}

/** Nano-dollars, per hour or per GB, at most {@link MAX_PRICE_NANO_USD}. */
export function checkPrice(field: string, nanoUsd: bigint): void {
  if (nanoUsd > MAX_PRICE_NANO_USD) throw invalidField(field, `must be at most ${MAX_PRICE_NANO_USD} nano-dollars`)
}

/** For words that no newer version adds to: all others are refused. */
export function checkOneOf(field: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw invalidField(field, `must be one of ${allowed.join(', ')}`)
}

/** @throws {WireError} where the value is beyond 2^53 - 1 */
export function safeNumber(value: bigint, field: string): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw invalidField(field, 'is out of range')
  return Number(value)
}

/** Ms since the epoch that a `Date` can hold. */
export function checkTime(field: string, timeMs: bigint): void {
  checkRange(field, safeNumber(timeMs, field), 0, MAX_TIME_MS)
}

/** One line of text, empty or not. */
export function checkLine(field: string, text: string, maxLength: number = MAX_TEXT_LENGTH): void {
  if (text.length > maxLength) throw invalidField(field, `must have at most ${maxLength} characters`)
  if (!isLine(text)) throw invalidField(field, 'must be one line of text without control characters')
}

/** A list of at most `maxItems` lines, each of at most `maxLength` characters; see {@link checkLine}. */
export function checkLines(field: string, list: string[], maxItems: number, maxLength: number): void {
  if (list.length > maxItems) throw invalidField(field, `must have at most ${maxItems} items`)
  for (const text of list) checkLine(field, text, maxLength)
}

/** At most {@link MAX_ADDRESSES} multiaddrs; not one of them is parsed. */
export function checkAddresses(field: string, list: string[]): void {
  checkLines(field, list, MAX_ADDRESSES, MAX_ADDRESS_LENGTH)
  if (!list.every((address) => ADDRESS.test(address))) throw invalidField(field, 'must be multiaddrs')
}

/** At most {@link MAX_LABELS} labels. `__proto__` is refused: as a key it would change the object that holds it. */
export function checkLabels(field: string, labels: Record<string, string>): void {
  if (Object.hasOwn(labels, '__proto__')) throw invalidField(field, 'must not name __proto__')
  checkLines(field, Object.keys(labels), MAX_LABELS, MAX_LABEL_LENGTH)
  checkLines(field, Object.values(labels), MAX_LABELS, MAX_LABEL_LENGTH)
}
