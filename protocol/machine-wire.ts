/** What peers say of machines: what they are made of, what they do in a second, what runs on them and behind which walls, and how much traffic they are to carry. */

import { checkLine, checkRange, checkTime, invalidField } from './check-fields.ts'
import { safeNumber } from './codec.ts'
import type {
  Figures as WireFigures,
  Hardware as WireHardware,
  Measured as WireMeasured,
} from './gen/cortex/v1/capacity_pb.js'
import type { IsolationOffer as WireIsolationOffer } from './gen/cortex/v1/market_pb.js'
import type { Hardware } from './hardware.ts'
import { ISOLATIONS, type IsolationOffer, MAX_FACTOR_MILLIS } from './isolation.ts'
import { MAX_BYTES, MAX_LABEL_LENGTH } from './limits.ts'
import { type Figure, type Figures, figuresOf, type Measured } from './measured.ts'
import { isImageDigest, isPlatform, MAX_PLATFORMS } from './platforms.ts'

/** Classes of isolation in one announcement. */
const MAX_ISOLATIONS = 4 * ISOLATIONS.length

/** What a machine is made of, as a stranger says; null of older versions. @throws {WireError} */
export function checkHardware(wire: WireHardware | undefined): Hardware | null {
  if (wire === undefined) return null
  const { $typeName, $unknown, ...hardware } = wire
  const { cpuModel, memoryType, diskType, diskModel } = hardware
  for (const text of [cpuModel, memoryType, diskType, diskModel]) checkLine('hardware', text, MAX_LABEL_LENGTH)
  return hardware
}

/** What it does in a second; null where nothing was measured. @throws {WireError} */
export function checkMeasured(measured: WireMeasured | undefined): Measured | null {
  if (measured === undefined) return null
  checkLine('measured', measured.method, MAX_LABEL_LENGTH)
  checkTime('measured', measured.atMs)
  return { ...checkFigures('measured', measured.figures), atMs: Number(measured.atMs), method: measured.method }
}

/** @param field of the message, for the error @throws {WireError} */
export function checkFigures(field: string, wire: WireFigures | undefined): Figures {
  const of = (figure: Figure): number => safeNumber(wire?.[figure] ?? 0n, field)
  return figuresOf(of)
}

/** The most bytes that a job sends and receives. @throws {WireError} */
export function checkTraffic(bytes: bigint): number {
  const checked = safeNumber(bytes, 'max_network_bytes')
  checkRange('max_network_bytes', checked, 0, MAX_BYTES)
  return checked
}

/** Each once; room for more than this version knows. @throws {WireError} */
export function checkIsolations(wire: WireIsolationOffer[]): IsolationOffer[] {
  checkRange('isolations', wire.length, 0, MAX_ISOLATIONS)
  const names = wire.map(({ isolation }) => checkIsolation(isolation))
  if (new Set(names).size < names.length) throw invalidField('isolations', 'must not name one twice')
  for (const { factorMillis } of wire) checkRange('isolations', factorMillis, 0, MAX_FACTOR_MILLIS)
  return wire.map(({ isolation, factorMillis }) => ({ isolation, factorMillis }))
}

/** Newer versions may know others than {@link ISOLATIONS}. @throws {WireError} */
export function checkIsolation(isolation: string): string {
  checkLine('isolation', isolation, MAX_LABEL_LENGTH)
  return isolation
}

/** At most as many as one machine may name. @param field as it is told @throws {WireError} */
export function checkPlatforms(field: string, platforms: string[]): string[] {
  checkRange(field, platforms.length, 0, MAX_PLATFORMS)
  if (!platforms.every(isPlatform)) throw invalidField(field, 'must be platforms')
  return platforms
}

/** Empty where none is named. @throws {WireError} */
export function checkImageDigest(digest: string): string {
  if (digest !== '' && !isImageDigest(digest)) throw invalidField('image_digest', 'must be a digest')
  return digest
}
