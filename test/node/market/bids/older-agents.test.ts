/** A requester of today and an agent of the last release, which reads and writes by the schema of then. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { toBinary } from '@bufbuild/protobuf'
import { MemoryLevel } from 'memory-level'
import { createDirectory } from '../../../../node/directory/directory.ts'
import type { Directory } from '../../../../node/directory/index.ts'
import { silentLogger } from '../../../../node/logger.ts'
import { createRequester, type RunningRequester } from '../../../../node/market/requester.ts'
import type { Database } from '../../../../node/store/database.ts'
import type { JobStore } from '../../../../node/store/index.ts'
import { openJobStore } from '../../../../node/store/job-store.ts'
import { createSecretBox } from '../../../../node/store/secret-box.ts'
import { SignedStatementSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { type JobSubmission, jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import type { ResolvedImage } from '../../../../protocol/platforms.ts'
import { type StatementKind, signStatement } from '../../../../protocol/statements.ts'
import { Protocol } from '../../../../protocol/topics.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../../../support/memory-network.ts'
import { readReleased, writeReleased } from '../../../support/released.ts'
import { createSimClock, type SimClock } from '../../../support/sim-clock.ts'
import { MARKET } from '../../../support/test-requester.ts'

const ROOM = { cpuMillis: 8_000, memoryBytes: String(2 ** 34), storageBytes: String(2 ** 37), gpu: 4 }
const bytesOf = (base64: unknown): Buffer => Buffer.from(String(base64), 'base64')
/** Of every small message here. */
const LIMIT = { maxMessageBytes: 2 ** 20 }

/** What it makes of a request. `careless` bids whatever is asked for. */
type Manner = 'as released' | 'careless'

describe('an agent of the last release', () => {
  let clock: SimClock
  let hub: MemoryHub
  let store: JobStore
  let directory: Directory & { start(): Promise<void>; stop(): Promise<void> }
  let requester: RunningRequester
  let agent: MemoryPeer
  /** As it reads them. */
  let awards: ReturnType<typeof readReleased>[]
  let bids: number
  let image: ResolvedImage | null

  beforeEach(async () => {
    clock = createSimClock()
    hub = createMemoryHub({ clock })
    const { network, privateKey } = await hub.join(1)
    agent = await hub.join(2)
    awards = []
    bids = 0
    image = null
    const disk = Object.assign(new MemoryLevel<string, string>(), { compactRange: async () => undefined })
    store = await openJobStore({ database: disk as unknown as Database, secretBox: createSecretBox('key'), clock })
    const parts = { network, clock, logger: silentLogger }
    directory = createDirectory(parts, { networkName: MARKET })
    await directory.start()
    const images = { resolve: async () => image }
    requester = createRequester({ ...parts, networkName: MARKET, privateKey, directory, store, images })
    await requester.start()
  })
  afterEach(async () => {
    await requester.stop()
    await directory.stop()
    await store.close()
  })

  async function signed(kind: StatementKind, payload: Uint8Array): Promise<Uint8Array> {
    return toBinary(SignedStatementSchema, await signStatement(kind, payload, agent.privateKey))
  }

  async function bid(data: Uint8Array, requester: string, manner: Manner): Promise<void> {
    const { network, requestId, requirements } = readReleased('JobRequest', data)
    const wanted = readReleased('Requirements', bytesOf(requirements))
    if (manner === 'as released' && (wanted.capabilities as string[]).some((name) => name !== 'extend')) return
    bids += 1
    const digest = createHash('sha256').update(bytesOf(requirements)).digest('base64')
    const payload = writeReleased('Bid', {
      ...{ network: network ?? '', requestId: requestId ?? '', requirementsDigest: digest },
      ...{ bidId: Buffer.alloc(16, bids).toString('base64'), provider: agent.network.peerId, requester },
      ...{ pricePerHour: '1000', validForMs: 30_000, free: ROOM, uptimeSeconds: '60' },
    })
    const statement = readReleased('SignedStatement', await signed('bid', payload))
    const channel = await agent.network.open(requester, Protocol.bid, LIMIT)
    await channel.send(writeReleased('BidMessage', { bid: statement }))
    await channel.receive()
    await channel.close()
  }

  async function sell(manner: Manner): Promise<void> {
    agent.network.subscribe('requests', {
      validate: () => 'accept',
      deliver: (data, author) => void bid(data, author, manner).catch(() => undefined), // the test is over
    })
    agent.network.handle(
      Protocol.award,
      async (channel) => {
        const message = readReleased('AwardMessage', (await channel.receive()) ?? new Uint8Array())
        const { payload } = (message.award ?? {}) as { payload?: string }
        if (payload !== undefined) {
          awards.push(readReleased('Award', bytesOf(payload)))
          await channel.send(writeReleased('AwardReply', { accepted: true }))
        }
        await channel.close()
      },
      LIMIT,
    )
    const announcement = writeReleased('Announcement', {
      ...{ network: MARKET, provider: agent.network.peerId, incarnation: '1000', sequence: '1', intervalMs: 15_000 },
      ...{ total: ROOM, free: ROOM, prices: { cpuPerCoreHour: '1000' }, name: 'older', version: '0.1.0' },
      ...{ capabilities: ['extend'], architecture: 'amd64', uptimeSeconds: '60' },
    })
    await agent.network.publish('announcements', await signed('announcement', announcement))
    await when(() => directory.get(agent.network.peerId)?.status === 'online')
  }

  async function when(what: () => Promise<boolean> | boolean): Promise<void> {
    for (let tries = 0; tries < 5_000; tries += 1) {
      if (await what()) return
      await clock.advance(tries < 20 ? 0 : 10)
    }
    throw new Error('It never came to that')
  }

  async function submit(fields: Partial<JobSubmission>): Promise<string> {
    const spec = jobSubmissionSchema.parse({ image: 'busybox', queueTimeout: 5, ...fields })
    return (await requester.submit({ owner: 'local', spec })).job.id
  }

  it('gets a plain job, and reads it whole', async () => {
    await sell('as released')
    await submit({ args: ['true'], env: { A: 'b' }, cpu: 500 })
    await when(() => awards.length > 0)
    const [award = {}] = awards
    const { args, env, resources } = award.job as { args: string[]; env: object; resources: typeof ROOM }
    assert.deepEqual([args, env, resources.cpuMillis], [['true'], { A: 'b' }, 500])
  })

  const wishes: [what: string, fields: Partial<JobSubmission>, careless: boolean][] = [
    ['for a platform', { platform: 'linux/arm64' }, true],
    ['for GPUs of a model', { gpu: 1, gpuRequirements: { models: ['h100'] } }, true],
    ['for a measured speed', { constraints: { minCpuScore: 1 } }, true],
    ['for a class of isolation', { isolation: 'gvisor' }, true],
    ['with limits that it does not know', { pids: 64 }, false],
    ['with a public port', { ports: [{ port: 80, public: true }] }, false],
  ]
  for (const [what, fields, careless] of wishes) {
    for (const manner of careless ? (['as released', 'careless'] as const) : (['as released'] as const)) {
      it(`${manner}: is never given a job ${what}`, async () => {
        await sell(manner)
        const id = await submit(fields)
        await when(async () => (await store.get(id))?.state.status === 'failed')
        assert.equal(awards.length, 0)
        if (manner === 'careless') assert.ok(bids > 0)
      })
    }
  }

  it('is never given a job whose bytes are pinned', async () => {
    image = { digest: `sha256:${'a'.repeat(64)}`, platforms: ['linux/amd64'] }
    await sell('as released')
    const id = await submit({})
    await when(async () => (await store.get(id))?.state.status === 'failed')
    assert.deepEqual([bids, awards.length], [0, 0])
  })
})
