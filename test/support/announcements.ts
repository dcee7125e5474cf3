import type { MessageInitShape } from '@bufbuild/protobuf'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { encode } from '../../protocol/codec.ts'
import {
  AnnouncementSchema,
  type SignedStatement,
  SignedStatementSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { signStatement } from '../../protocol/statements.ts'

type AnnouncementInit = Omit<MessageInitShape<typeof AnnouncementSchema>, '$typeName'>

/** An announcement that every check accepts, signed. @param changes replaces fields */
export async function announcementOf(privateKey: PrivateKey, changes: AnnouncementInit = {}): Promise<SignedStatement> {
  const payload = encode(AnnouncementSchema, {
    network: 'test',
    provider: peerIdFromPrivateKey(privateKey).toString(),
    incarnation: 1_000n,
    sequence: 1n,
    intervalMs: 15_000,
    total: { cpuMillis: 4_000, memoryBytes: 8n << 30n, storageBytes: 100n << 30n },
    free: { cpuMillis: 4_000, memoryBytes: 8n << 30n, storageBytes: 100n << 30n },
    prices: { cpuPerCoreHour: 10_000_000n },
    name: 'shed',
    region: 'eu',
    architecture: 'amd64',
    version: '0.1.0',
    ...changes,
  })
  return await signStatement('announcement', payload, privateKey)
}

/** The same as it is gossiped. */
export async function announcementBytes(privateKey: PrivateKey, changes: AnnouncementInit = {}): Promise<Uint8Array> {
  return encode(SignedStatementSchema, await announcementOf(privateKey, changes))
}
