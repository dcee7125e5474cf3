import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { appendFile, mkdtemp, readdir, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, before, beforeEach, describe, it } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { type Header, pack } from 'tar-stream'
import { type Clock, systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { type JobOutput, notHere } from '../../../node/outputs/index.ts'
import { createOutputKeeper, type OutputKeeper, type OutputKeeperInit } from '../../../node/outputs/keeper.ts'
import { LEAST_PACE } from '../../../node/outputs/kept/fetch.ts'
import type { JobRecord, JobStore } from '../../../node/store/index.ts'
import { encode } from '../../../protocol/codec.ts'
import { ReachReplySchema } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_CHUNK_BYTES } from '../../../protocol/limits.ts'
import { Protocol } from '../../../protocol/topics.ts'
import type { ContainerAccess } from '../../../provider-agent/engine/access.ts'
import { createOutputSpool, type OutputSpool } from '../../../provider-agent/outputs/spool.ts'
import { createReachDesk } from '../../../provider-agent/reach/reach-desk.ts'
import { createTransfers } from '../../../provider-agent/reach/transfers.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../../support/memory-network.ts'
import { until } from '../../support/until.ts'

const MIB = 2 ** 20
const DAY_MS = 24 * 3_600_000
const PIECES = 40
/** What the container left, as a tar: more than a link holds. */
const BYTES = PIECES * MAX_REACH_CHUNK_BYTES
const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
const OTHER = 'job_01k8m3q7w9x2v5n4c6b8d0f1g4'
const SPEC = { outputs: '/out', cpu: 100, memory: '16Mi', storage: '64Mi', gpu: 0, volumes: [] }
const never = new AbortController().signal

interface Draft {
  job: JobRecord
  patch(fields: Partial<JobRecord>): void
  event(type: string, data: { message: string }): void
}

interface Entry extends Partial<Header> {
  name: string
  bytes?: Buffer
}

async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { bytes = Buffer.alloc(0), ...header } of entries) tar.entry(header, bytes)
  tar.finalize()
  return await buffer(tar)
}

describe('outputs on their way from a provider', () => {
  let left: Buffer
  let folder: string
  let hub: MemoryHub
  let provider: MemoryPeer
  let spool: OutputSpool
  let requester: MemoryPeer
  let keeper: OutputKeeper
  let jobs: Map<string, JobRecord>
  let listeners: Set<() => void>
  /** What events said. */
  let told: string[]
  /** Pieces that left the provider, and what is to happen when one does. */
  let sent: number
  let onSent: (count: number) => 'pass' | 'drop'

  before(async () => {
    left = await tarOf([{ name: 'out', bytes: randomBytes(BYTES - 1_536) }])
    assert.equal(left.length, BYTES)
  })
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-outputs-'))
    sent = 0
    onSent = () => 'pass'
    jobs = new Map()
    listeners = new Set()
    told = []
    hub = createMemoryHub({
      rule({ kind, protocol, from }) {
        if (kind !== 'message' || protocol !== Protocol.output || from !== provider.network.peerId) return 'pass'
        sent += 1
        return onSent(sent)
      },
    })
    await startProvider()
    await startRequester()
  })
  afterEach(async () => {
    await keeper.stop()
    await rm(folder, { recursive: true })
  })

  async function startProvider(): Promise<void> {
    provider = await hub.join(1)
    const init = {
      folder: join(folder, 'spool'),
      roomBytes: 64 * MIB,
      retentionMs: DAY_MS,
    }
    spool = createOutputSpool({ clock: systemClock, logger: silentLogger }, init)
    await spool.start()
    const { network } = provider
    // Outputs are served from the spool; nothing of these has a container.
    const access = {} as ContainerAccess
    const transfers = createTransfers({ folder: join(folder, 'transfers'), maxBytes: 0 })
    const others = { clock: systemClock, logger: silentLogger, find: () => undefined }
    const components = { network, access, spool, transfers, ...others }
    createReachDesk(components, { udpIdleMs: 1_000 }).start()
  }

  async function startRequester(init: Partial<OutputKeeperInit> = {}, clock: Clock = systemClock): Promise<void> {
    requester = await hub.join(2)
    const components = { network: requester.network, store, clock, logger: silentLogger }
    keeper = createOutputKeeper(components, { folder: join(folder, 'kept'), ...init })
    await keeper.start()
  }

  async function restartRequester(init?: Partial<OutputKeeperInit>, clock?: Clock): Promise<void> {
    requester.leave()
    await keeper.stop()
    await startRequester(init, clock)
  }

  /** A peer that lets everybody in to an output of so many bytes, and sends one of them every few ms. */
  async function startDripping(seed: number, bytes: number): Promise<{ peer: MemoryPeer; opened: () => number }> {
    const peer = await hub.join(seed)
    let opened = 0
    peer.network.handle(Protocol.output, async (channel) => {
      opened += 1
      await channel.receive()
      await channel.send(encode(ReachReplySchema, { ok: true, bytes: BigInt(bytes), sha256: new Uint8Array(32) }))
      for (;;) {
        await channel.send(new Uint8Array(1))
        await setTimeout(5)
      }
    })
    return { peer, opened: () => opened }
  }

  async function expectOf(id: string, owner: string, provider: string, bytes: number): Promise<void> {
    const lease = { provider, addresses: [], fence: 1 }
    const output = { state: 'waiting', bytes, message: '' }
    jobs.set(id, { id, owner, spec: SPEC, state: { status: 'completed', lease }, output } as unknown as JobRecord)
    await keeper.expect(id)
  }

  /** As much of a store as the keeper uses. */
  const store: Pick<JobStore, 'get' | 'change' | 'onChange'> = {
    get: async (id) => jobs.get(id),
    change: (async (id: string, task: (draft: Draft) => void) => {
      task({
        job: jobs.get(id) as JobRecord,
        patch: (fields) => jobs.set(id, { ...(jobs.get(id) as JobRecord), ...fields }),
        event: (_type, { message }) => told.push(message),
      })
      for (const listener of listeners) listener()
    }) as unknown as JobStore['change'],
    onChange(_id, callback) {
      const listener = (): void => callback()
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }

  /** A job that has ended, and whose provider keeps what it left. */
  async function end(id = JOB, tar = left, lies: Partial<JobOutput> = {}, of = 'local'): Promise<void> {
    const owner = { jobId: id, fence: 1, requester: requester.network.peerId }
    await spool.keep(owner, async () => ({ tar: Readable.from([tar]), leftOut: () => [] }), 64 * MIB, never)
    const lease = { provider: provider.network.peerId, addresses: [], fence: 1 }
    const output = { state: 'waiting', bytes: tar.length, message: '', ...lies }
    jobs.set(id, {
      id,
      owner: of,
      spec: SPEC,
      state: { status: 'completed', lease },
      output,
    } as unknown as JobRecord)
    await keeper.expect(id)
  }

  const stateOf = (id = JOB): JobOutput['state'] | undefined => jobs.get(id)?.output?.state
  const part = (): string => join(folder, 'kept', `${JOB}.part`)

  async function arrives(): Promise<void> {
    await until(() => stateOf() !== 'waiting')
    assert.equal(stateOf(), 'kept')
  }

  async function arrivesWhole(): Promise<void> {
    await until(() => stateOf() !== 'waiting')
    assert.deepEqual(jobs.get(JOB)?.output, { state: 'kept', bytes: BYTES, message: '', leftOut: [] })
    const kept = await keeper.open(JOB)
    assert.ok(kept !== null && (await buffer(kept.stream)).equals(left))
    // Its provider forgets it, and nothing is left that says that it is still to come.
    const owner = { jobId: JOB, fence: 1, requester: requester.network.peerId }
    await until(async () => (await spool.find(owner)) === null)
    await until(async () => (await readdir(join(folder, 'kept'))).length === 1)
  }

  it('come over a link that breaks twice, going on where it broke', async () => {
    onSent = (count) => (count === 12 || count === 30 ? 'drop' : 'pass')
    await end()
    await arrivesWhole()
    // A reply for each try; what was on the way when it broke is sent again, and no more.
    assert.ok(sent < PIECES * 1.5, `${sent} messages`)
  })

  it('come from a provider that was killed and started again in the midst', async () => {
    onSent = (count) => {
      if (count === 20) setImmediate(provider.leave)
      return 'pass'
    }
    await end()
    await until(() => !requester.network.peers().includes(provider.network.peerId))
    assert.equal(stateOf(), 'waiting')
    await startProvider()
    await arrivesWhole()
    assert.ok(sent < PIECES * 1.5, `${sent} messages`)
  })

  it('come to a requester that was stopped and started again in the midst', async () => {
    const half = Promise.withResolvers<void>()
    onSent = (count) => {
      if (count === 20) half.resolve()
      return count === 21 ? 'drop' : 'pass'
    }
    await end()
    await half.promise
    await restartRequester()
    await arrivesWhole()
    assert.ok(sent < PIECES * 1.6, `${sent} messages`)
  })

  it('come anew where what was there is damaged', async () => {
    onSent = (count) => (count >= 10 ? 'drop' : 'pass')
    await end()
    await until(() => sent >= 10)
    requester.leave()
    await keeper.stop()
    await truncate(part(), MAX_REACH_CHUNK_BYTES)
    await appendFile(part(), randomBytes(MAX_REACH_CHUNK_BYTES))
    onSent = () => 'pass'
    await startRequester()
    await arrivesWhole()
  })

  it('are there already where the note of it was lost', async () => {
    await end()
    await arrivesWhole()
    const job = jobs.get(JOB) as JobRecord
    jobs.set(JOB, { ...job, output: { state: 'waiting', bytes: BYTES, message: '' } })
    await writeFile(join(folder, 'kept', `${JOB}.expected`), '')
    const before = sent
    await restartRequester()
    await until(() => stateOf() === 'kept')
    assert.equal(sent, before)
  })

  it('do not wait for a provider that is away', async () => {
    const away = { provider: 'nobody', addresses: [], fence: 1 }
    const lost = Array.from({ length: 6 }, (_, number) => `${JOB.slice(0, -1)}${number + 4}`)
    for (const id of lost) {
      const output = { state: 'waiting', bytes: 1, message: '' }
      const state = { status: 'completed', lease: away }
      jobs.set(id, { id, owner: 'local', spec: SPEC, state, output } as unknown as JobRecord)
      await keeper.expect(id)
    }
    await end()
    await until(() => stateOf() === 'kept')
    for (const id of lost) assert.equal(stateOf(id), 'waiting', id)
  })

  const lies: [string, Partial<JobOutput>][] = [
    ['more than was told of', { bytes: BYTES - 1 }],
    ['less than was told of', { bytes: BYTES + 1 }],
    ['more than the job may write', { bytes: 73 * MIB }],
  ]
  for (const [what, lie] of lies) {
    it(`are lost where they are ${what}`, async () => {
      await end(JOB, left, lie)
      await until(() => stateOf() !== 'waiting')
      assert.equal(stateOf(), 'lost')
      assert.equal(await keeper.open(JOB), null)
    })
  }

  it('come while another provider drips, and one owner’s jobs at such providers hold up nobody else', async () => {
    const ids = Array.from({ length: 16 }, (_, number) => `${JOB.slice(0, -2)}${number.toString(16).padStart(2, '0')}`)
    const slow = [await startDripping(3, MIB), await startDripping(4, MIB)]
    for (const [at, id] of ids.entries()) {
      await expectOf(id, 'mallory', slow[at % 2]?.peer.network.peerId ?? '', MIB)
    }
    await until(() => slow[0]?.opened() === 1 && slow[1]?.opened() === 1)
    // Others who have jobs at the same provider wait for it alone.
    for (const at of [0, 1, 2])
      await expectOf(`${OTHER.slice(0, -2)}h${at}`, 'alice', slow[0]?.peer.network.peerId ?? '', MIB)
    await until(() => slow[0]?.opened() === 2)
    await end(JOB, left, {}, 'alice')
    await arrives()
    assert.deepEqual([slow[0]?.opened(), slow[1]?.opened()], [2, 1])
  })

  it('are asked for again where they come slower than they may', async () => {
    // A minute of the pace is over at once.
    const sleep: Clock['sleep'] = async (ms, signal) =>
      await systemClock.sleep(ms === LEAST_PACE.spanMs ? 50 : ms, signal)
    await restartRequester({}, { ...systemClock, sleep })
    const slow = await startDripping(3, MIB)
    await expectOf(JOB, 'alice', slow.peer.network.peerId, MIB)
    await until(() => slow.opened() >= 3)
    // What came stays.
    assert.ok((await stat(part())).size > 0)
  })

  it('give way to newer ones of their owner, not of another', async () => {
    await restartRequester({ roomBytes: BYTES * 2.5 })
    const [second, third] = [`${OTHER.slice(0, -1)}h`, `${OTHER.slice(0, -1)}j`]
    await end(JOB, left, {}, 'alice')
    await until(() => stateOf() === 'kept')
    for (const id of [OTHER, second, third]) {
      await end(id, left, {}, 'mallory')
      await until(() => stateOf(id) === 'kept')
    }
    assert.deepEqual([JOB, OTHER, second, third].map(stateOf), ['kept', 'lost', 'lost', 'kept'])
  })

  it('give way to newer ones, and go when they are old', async () => {
    await restartRequester({ roomBytes: BYTES * 1.5, retentionMs: DAY_MS })
    await end()
    await arrivesWhole()
    await end(OTHER)
    await until(() => stateOf(OTHER) === 'kept')
    assert.deepEqual([stateOf(), await keeper.open(JOB)], ['lost', null])
    const old = new Date(Date.now() - 2 * DAY_MS)
    await utimes(join(folder, 'kept', `${OTHER}.tar`), old, old)
    await restartRequester({ retentionMs: DAY_MS })
    await until(() => stateOf(OTHER) === 'lost')
    assert.equal(await keeper.open(OTHER), null)
  })

  it('wait at their provider where they are larger than the room, and come once there is more', async () => {
    const room = { roomBytes: BYTES - 1 }
    await restartRequester(room)
    await end()
    await until(() => stateOf() === 'held')
    assert.match(jobs.get(JOB)?.output?.message ?? '', /all the room is 2\.5Mi, --output-room/)
    assert.equal(notHere('/out', jobs.get(JOB)?.output).at(-1)?.path, '/out')
    assert.equal(await keeper.open(JOB), null)
    // It is told once, and nothing is asked of the provider.
    await restartRequester(room)
    await until(() => keeper.held().length === 1)
    assert.deepEqual([told.length, sent, stateOf()], [1, 0, 'held'])
    await restartRequester({ roomBytes: BYTES })
    await until(() => stateOf() !== 'held')
    await arrivesWhole()
    assert.deepEqual(notHere('/out', jobs.get(JOB)?.output), [])
  })

  it('of an owner who has more push out none of an owner who has less, and come when those have gone', async () => {
    let nowMs = Date.now()
    let sweep = (): void => undefined
    const sleep: Clock['sleep'] = async (ms, signal) =>
      await (ms < 3_600_000
        ? systemClock.sleep(ms, signal)
        : new Promise<void>((resolve) => {
            sweep = resolve
            signal?.addEventListener('abort', () => resolve())
          }))
    await restartRequester(
      { roomBytes: BYTES * 1.3, retentionMs: DAY_MS },
      { ...systemClock, sleep, nowMs: () => nowMs },
    )
    const little = await tarOf([{ name: 'out', bytes: randomBytes(MIB) }])
    await end(OTHER, little, {}, 'alice')
    await until(() => stateOf(OTHER) === 'kept')
    await end(JOB, left, {}, 'mallory')
    await until(() => stateOf() === 'held')
    assert.match(jobs.get(JOB)?.output?.message ?? '', /others have the room \(3\.3Mi, --output-room\)/)
    assert.equal(stateOf(OTHER), 'kept')
    nowMs += 2 * DAY_MS
    sweep()
    await until(() => stateOf() === 'kept')
    assert.equal(stateOf(OTHER), 'lost')
  })

  it('wait at their provider where the disk has no room for them', async () => {
    await restartRequester({ minFreeBytes: 2 ** 60 })
    await end()
    await until(() => stateOf() === 'held')
    assert.match(jobs.get(JOB)?.output?.message ?? '', /the disk here has 0B free/)
    await restartRequester()
    await until(() => stateOf() !== 'held')
    await arrivesWhole()
  })
})
