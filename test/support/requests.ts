import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { JobRequestSchema, RequirementsSchema } from '../../protocol/gen/cortex/v1/market_pb.js'

/** A request that every check accepts, as it is gossiped. @param id 0..255, repeated as the request's id */
export function requestBytes(
  id: number,
  changes: Omit<MessageInitShape<typeof JobRequestSchema>, '$typeName'> = {},
): Uint8Array {
  const resources = { cpuMillis: 100, memoryBytes: 64n << 20n, storageBytes: 1n << 30n }
  return encode(JobRequestSchema, {
    network: 'test',
    requestId: new Uint8Array(16).fill(id),
    requirements: encode(RequirementsSchema, { resources, image: 'busybox', durationSeconds: 60 }),
    bidWindowMs: 1_000,
    samplePerMillion: 1_000_000,
    createdAtMs: BigInt(Date.now()),
    ...changes,
  })
}
