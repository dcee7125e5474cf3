import assert from 'node:assert/strict'
import { afterEach, describe, it } from 'node:test'
import { MemoryLevel } from 'memory-level'
import { silentLogger } from '../../../node/logger.ts'
import type { Database } from '../../../node/store/database.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { createImageKeeper, type ImageKeeper, type KeeperRequest } from '../../../provider-agent/images/keeper.ts'
import { openJournal } from '../../../provider-agent/journal/journal.ts'
import { type AgentRig, createAgentRig } from '../../support/agent-rig.ts'
import { createFakeEngine } from '../../support/fake-engine.ts'
import { createSimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const GIB = 2 ** 30
const FULL = new EngineError('IMAGE_PULL_ERROR', 'image x: no space left on device', { reason: 'no-space' })
const RATIONED = new EngineError('IMAGE_PULL_ERROR', 'image x: no more for now', { reason: 'rate-limited' })
const OWNER = 'owner'

/** A keeper on a fake engine, whose images take a GiB each of a disk of so many. */
async function openKeeper(diskGib: number) {
  const clock = createSimClock()
  const engine = createFakeEngine({ clock })
  const database = new MemoryLevel<string, string>() as unknown as Database
  const free = (): number => (diskGib - new Set(engine.images.values()).size) * GIB
  const start = async (): Promise<ImageKeeper> => {
    const limits = { maxLeaseBytes: GIB, maxJournalBytes: GIB }
    const journal = await openJournal({ database, clock, logger: silentLogger }, limits)
    const components = { engine, journal, clock, logger: silentLogger, freeBytes: async () => free() }
    return await createImageKeeper(components, { minFreeBytes: 2 * GIB, ownRequesters: [OWNER] })
  }
  let keeper = await start()
  return {
    ...{ clock, engine },
    async restart() {
      keeper = await start()
    },
    makeRoom: async (options = {}) => await keeper.makeRoom(options),
    release: async (lease: string) => await keeper.release(lease),
    /** A lease takes the image, and lets go of it at once unless it is to hold it. */
    async use(image: string, how: { hold?: boolean; policy?: 'Always' | 'IfNotPresent' } = {}) {
      await clock.advance(1_000)
      await keeper.pull(image, { image, policy: how.policy ?? 'IfNotPresent' }, {})
      if (how.hold !== true) await keeper.release(image)
    },
    left: () => [...engine.images.keys()].toSorted(),
    /** Somebody's pull of an image that the registry gives no more of. Answers for whom it is held back then. */
    async heldAfter(image: string, request: Partial<KeeperRequest>): Promise<string[]> {
      engine.script = (spec) => (spec.image === image ? { pullError: RATIONED } : {})
      await assert.rejects(keeper.pull('a lease', { image, policy: 'IfNotPresent', ...request }, {}), RATIONED)
      const use = { platform: '', digest: request.digest ?? '' }
      return [OWNER, 'stranger', 'other'].filter((requester) => keeper.heldBackMs(image, { requester, ...use }) > 0)
    },
  }
}

describe('images that jobs brought', () => {
  it('stay while there is room, and go by the oldest use until there is', async () => {
    const disk = await openKeeper(5)
    for (const image of ['a:1', 'b:1', 'c:1', 'a:1']) await disk.use(image)
    assert.equal(await disk.makeRoom(), 0)
    await disk.use('d:1')
    assert.equal(await disk.makeRoom(), 1)
    assert.deepEqual(disk.left(), ['a:1', 'c:1', 'd:1'])
    await disk.use('e:1')
    await disk.use('f:1')
    assert.equal(await disk.makeRoom(), 2)
    assert.deepEqual(disk.left(), ['d:1', 'e:1', 'f:1'])
  })

  it('are told from the owner’s: what was there, and what is named by others', async () => {
    const disk = await openKeeper(0)
    disk.engine.images.set('owner:1', 'sha256:owner')
    disk.engine.images.set('same-as-owner:1', 'sha256:pulled:1')
    await disk.use('owner:1')
    await disk.use('pulled:1')
    await disk.use('shared:1')
    disk.engine.images.set('the-owners-name:1', 'sha256:shared:1')
    assert.equal(await disk.makeRoom({ atLeast: 9 }), 0)
    assert.deepEqual(disk.left(), ['owner:1', 'same-as-owner:1', 'the-owners-name:1'])
    assert.ok(![...disk.engine.calls].includes('remove image sha256:owner'))
  })

  it('stay while a lease needs them, from before the pull on', async () => {
    const disk = await openKeeper(0)
    await disk.use('a:1', { hold: true })
    await disk.use('b:1')
    assert.equal(await disk.makeRoom(), 1)
    assert.deepEqual(disk.left(), ['a:1'])
    await disk.release('a:1')
    assert.equal(await disk.makeRoom(), 1)
    assert.deepEqual(disk.left(), [])
  })

  it('are remembered over a restart, with their last use', async () => {
    const disk = await openKeeper(4)
    for (const image of ['a:1', 'b:1', 'a:1', 'c:1']) await disk.use(image)
    await disk.restart()
    assert.equal(await disk.makeRoom(), 1)
    assert.deepEqual(disk.left(), ['a:1', 'c:1'])
  })

  it('make way for another that does not fit, which is then pulled once more', async () => {
    const disk = await openKeeper(9)
    await disk.use('a:1')
    const failing = { left: 1 }
    disk.engine.script = ({ image }) => (image === 'big:1' && failing.left-- > 0 ? { pullError: FULL } : {})
    await disk.use('big:1')
    assert.deepEqual(disk.left(), ['big:1'])
    disk.engine.images.set('owner:1', 'sha256:owner')
    await disk.use('big:1', { hold: true })
    failing.left = 1
    await assert.rejects(disk.use('big:1', { policy: 'Always' }), FULL)
    assert.deepEqual(disk.left(), ['big:1', 'owner:1'])
  })
})

describe('entry 10: an image that could not be pulled is held back from those alone for whom that is true', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const credentials = { username: 'u', password: 'p', serverAddress: 'docker.io' }
  const cases: [what: string, request: Partial<KeeperRequest>, heldBackFrom: string[]][] = [
    ['a stranger’s: not from who may run a copy of the owner’s', { requester: 'stranger' }, ['stranger', 'other']],
    ['a stranger’s by digest: likewise', { requester: 'stranger', digest }, ['stranger', 'other']],
    ['with somebody’s credentials: from that one', { requester: 'stranger', credentials }, ['stranger']],
    ['though it may be here: from who wants it anew', { requester: 'stranger', policy: 'Always' }, ['stranger']],
    ['the owner’s, who found no copy', { requester: OWNER }, [OWNER]],
    ['the owner’s anew, who looked for no copy: from nobody', { requester: OWNER, policy: 'Always' }, []],
  ]
  for (const [what, request, heldBackFrom] of cases) {
    it(what, async () => assert.deepEqual(await (await openKeeper(9)).heldAfter('a:1', request), heldBackFrom))
  }
})

describe('an agent whose disk runs short', () => {
  let rig: AgentRig
  afterEach(async () => await rig.stop())

  it('lets go of unused images when it measures, and not of those that run', async () => {
    let freeStorageBytes = 100 * GIB
    const inspect = async (info: object) => ({ ...info, freeStorageBytes, gpus: [] }) as never
    const freeBytes = async () => freeStorageBytes
    rig = await createAgentRig({ measureMs: 1_000, imageRoomBytes: 5 * GIB, components: { inspect, freeBytes } })
    const done = await rig.run({ image: 'done' })
    ;(await rig.container(done.name)).exit(0)
    await rig.settle(done)
    await until(() => rig.engine.containers.size === 0)
    const going = await rig.run({ image: 'going' })
    await rig.container(going.name)
    await rig.clock.advance(2_000)
    assert.deepEqual([...rig.engine.images.keys()], ['done', 'going'])
    freeStorageBytes = GIB
    await rig.restart()
    await rig.clock.advance(2_000)
    await until(() => !rig.engine.images.has('done'))
    assert.deepEqual([...rig.engine.images.keys()], ['going'])
  })
})
