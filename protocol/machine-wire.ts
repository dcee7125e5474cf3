/** What peers say of machines: what they are made of, what they do in a second, and how much traffic they are to carry. */

import { checkLine, checkRange, checkTime } from './check-fields.ts'
import { safeNumber } from './codec.ts'
import type {
  Figures as WireFigures,
  Hardware as WireHardware,
  Measured as WireMeasured,
} from './gen/cortex/v1/capacity_pb.js'
import type { Hardware } from './hardware.ts'
import { MAX_BYTES, MAX_LABEL_LENGTH } from './limits.ts'
import { type Figure, type Figures, figuresOf, type Measured } from './measured.ts'

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
