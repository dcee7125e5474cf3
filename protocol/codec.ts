/**
 * Bytes from a peer become typed, checked values here, once; the size is looked at first.
 */

import { createHash } from 'node:crypto'
import {
  create,
  type DescMessage,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from '@bufbuild/protobuf'
import { safeNumber } from './check-fields.ts'
import type { Prices as WirePrices, Resources as WireResources } from './gen/cortex/v1/market_pb.js'
import { MAX_MESSAGE_FIELDS } from './limits.ts'
import type { Prices } from './money.ts'
import type { Resources } from './units.ts'
import { WireError } from './wire-error.ts'
import { hasMoreFields } from './wire-scan.ts'

export { safeNumber }

/** The bytes of a message; fields that are left out have the default of proto3, and take no bytes. */
export function encode<D extends DescMessage>(schema: D, message: MessageInitShape<D>): Uint8Array {
  return toBinary(schema, create(schema, message))
}

/**
 * Fields that this version does not know are dropped.
 *
 * @throws {WireError} `TOO_LARGE`, `MALFORMED`
 */
export function decode<D extends DescMessage>(schema: D, bytes: Uint8Array, maxBytes: number): MessageShape<D> {
  if (bytes.length > maxBytes) {
    throw new WireError('TOO_LARGE', `${schema.name} of ${bytes.length} bytes; at most ${maxBytes} are read`)
  }
  try {
    if (!hasMoreFields(schema, bytes, MAX_MESSAGE_FIELDS))
      return fromBinary(schema, bytes, { readUnknownFields: false })
  } catch (cause) {
    throw new WireError('MALFORMED', `Not a ${schema.name}`, { cause })
  }
  throw new WireError('TOO_LARGE', `${schema.name} of more than ${MAX_MESSAGE_FIELDS} fields`)
}

/** What bids and awards commit to. */
export function requirementsDigest(requirements: Uint8Array): Uint8Array {
  return createHash('sha256').update(requirements).digest()
}

/** @throws {WireError} `INVALID_FIELD` where an amount is beyond 2^53 - 1. */
export function fromWireResources(wire: WireResources | undefined): Resources {
  return {
    cpuMillis: wire?.cpuMillis ?? 0,
    memoryBytes: safeNumber(wire?.memoryBytes ?? 0n, 'memory_bytes'),
    storageBytes: safeNumber(wire?.storageBytes ?? 0n, 'storage_bytes'),
    gpu: wire?.gpu ?? 0,
  }
}

/** Amounts as messages carry them: bytes as 64-bit integers. */
export function toWireResources(resources: Resources): Omit<WireResources, '$typeName' | '$unknown'> {
  return {
    cpuMillis: resources.cpuMillis,
    memoryBytes: BigInt(resources.memoryBytes),
    storageBytes: BigInt(resources.storageBytes),
    gpu: resources.gpu,
  }
}

/** Nano-dollars, per hour or per GB; what a message leaves out costs nothing. The caller has checked the amounts. */
export function fromWirePrices(wire: WirePrices | undefined): Prices {
  return {
    cpuPerCoreHour: wire?.cpuPerCoreHour ?? 0n,
    memoryPerGbHour: wire?.memoryPerGbHour ?? 0n,
    storagePerGbHour: wire?.storagePerGbHour ?? 0n,
    gpuPerHour: wire?.gpuPerHour ?? 0n,
    networkPerGb: wire?.networkPerGb ?? 0n,
    minimumPerJob: wire?.minimumPerJob ?? 0n,
    volumePerGbHour: wire?.volumePerGbHour ?? 0n,
  }
}
