/**
 * A directory of 10,000 providers: what it holds in memory, and how long choosing whom to ask takes over all of them,
 * against sorting them by price, which is what a list without ranking would do.
 */

import { randomBytes } from 'node:crypto'
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { systemClock as clock } from '../node/clock.ts'
import { sinceStart } from '../node/directory/first-seen.ts'
import { createProviderTable } from '../node/directory/provider-table.ts'
import { chooseInvited } from '../node/market/bids/invitation.ts'
import { decode, encode } from '../protocol/codec.ts'
import { AnnouncementSchema, SignedStatementSchema } from '../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../protocol/job-spec.ts'
import { encodedRequirements } from '../protocol/job-wire.ts'
import { MAX_GOSSIP_BYTES } from '../protocol/limits.ts'
import { checkAnnouncement, readRequirements } from '../protocol/market-messages.ts'
import { signStatement } from '../protocol/statements.ts'
import type { BenchResult } from './run.ts'
import { median, round } from './support/statistics.ts'

const QUERIES = 200

export async function bench(args: string[]): Promise<BenchResult> {
  const providers = Number(args[0] ?? 10_000)
  const before = held()
  const table = createProviderTable({ clock, firstSeen: sinceStart, changed: () => undefined }, providers)
  for (let i = 0; i < providers; i += 1) {
    // As gossip hands it over: a part of a larger buffer.
    const frame = Buffer.concat([randomBytes(64), await announcement(i)])
    const statement = decode(SignedStatementSchema, frame.subarray(64), MAX_GOSSIP_BYTES)
    table.hear(await checkAnnouncement(statement, 'bench'), statement, 0)
  }
  const heldMiB = (held() - before) / 2 ** 20
  const requirements = readRequirements(encodedRequirements(jobSubmissionSchema.parse({ image: 'busybox' })))
  const everyone = { count: 12, trust: () => 1, isAwaited: () => true, isConnected: () => false }
  const ours = timed(() => chooseInvited(table.list(), { requirements, strategy: 'performance', ...everyone }))
  const plain = timed(() =>
    [...table.list()].sort((a, b) => Number(a.prices.cpuPerCoreHour - b.prices.cpuPerCoreHour)).slice(0, 12),
  )
  process.stdout.write(
    `${providers} providers: ${round(heldMiB, 1)} MiB held; whom to ask ${round(ours, 2)} ms, sorted by price ${round(plain, 2)} ms\n`,
  )
  return {
    ...{ name: 'directory', ratio: round(ours / plain, 3), providers, heldMiB: round(heldMiB, 1), goalMiB: 100 },
    ...{ queryMs: round(ours, 2), goalMs: 5, plainMs: round(plain, 2) },
  }
}

async function announcement(i: number): Promise<Uint8Array> {
  const key = await generateKeyPair('Ed25519')
  const provider = peerIdFromPrivateKey(key).toString()
  const amount = { cpuMillis: 8_000, memoryBytes: 2n ** 34n, storageBytes: 2n ** 38n, gpu: 0 }
  const payload = encode(AnnouncementSchema, {
    ...{ network: 'bench', provider, incarnation: BigInt(1_700_000_000_000 + i), sequence: 7n, intervalMs: 500_000 },
    ...{ total: amount, free: { ...amount, cpuMillis: 1_000 + (i % 7_000) }, region: `region-${i % 20}` },
    prices: { cpuPerCoreHour: BigInt(10_000_000 + (i % 997)), memoryPerGbHour: 2_000_000n, storagePerGbHour: 100_000n },
    ...{ labels: { disk: 'ssd', rack: `r${i % 50}` }, capabilities: ['extend', 'volumes'], version: '0.1.0' },
    ...{ architecture: 'amd64', name: `provider ${i}`, uptimeSeconds: BigInt(i), jobsCompleted: 5n },
    addresses: [
      `/ip4/203.0.113.${i % 250}/tcp/13100/p2p/${provider}`,
      `/ip4/10.0.0.${i % 250}/tcp/13100/p2p/${provider}`,
    ],
  })
  return encode(SignedStatementSchema, await signStatement('announcement', payload, key))
}

/** Median of many, in ms. */
function timed(query: () => unknown): number {
  const times: number[] = []
  for (let i = 0; i < QUERIES; i += 1) {
    const beganMs = performance.now()
    query()
    times.push(performance.now() - beganMs)
  }
  return median(times)
}

/** Bytes in use, those outside the heap included. */
function held(): number {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
