/** An engine on a small disk of its own: an image that does not fit, and images that make way for the next. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { MemoryLevel } from 'memory-level'
import { pack } from 'tar-stream'
import { systemClock as clock } from '../../node/clock.ts'
import { silentLogger as logger } from '../../node/logger.ts'
import type { Database } from '../../node/store/database.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import type { ContainerEngine } from '../../provider-agent/engine/index.ts'
import { createImageKeeper } from '../../provider-agent/images/keeper.ts'
import { openJournal } from '../../provider-agent/journal/journal.ts'
import { findProgram } from '../../scripts/apt.ts'
import { startDockerd } from '../../scripts/dockerd.ts'
import { ensureEngine } from '../../scripts/engine.ts'
import { importRoot } from '../../scripts/image.ts'
import { makeSmallDisk, noSmallDisk, type SmallDisk } from '../faults/support/small-disk.ts'
import { pulledNames } from './support/pulled-images.ts'
import { type RealRegistry, registryObstacle, startRealRegistry } from './support/real-registry.ts'

const MIB = 2 ** 20
const DISK_MIB = 96
const IMAGE_MIB = 12
/** Below it images go: with three of them there is more, with four less. */
const ROOM_BYTES = 52 * MIB

// The one that other tests use is brought up first, which installs it where it can.
const shared = await ensureEngine()
const dockerd = (await findProgram('dockerd')) === null ? 'needs dockerd, to start an engine of its own' : false
const skip = noSmallDisk || dockerd || ((await registryObstacle()) ?? false)

describe('an engine on a small disk', { skip }, () => {
  const stack = new AsyncDisposableStack()
  let disk: SmallDisk
  let docker: Docker
  let engine: ContainerEngine
  let host: string
  const database = new MemoryLevel<string, string>() as unknown as Database

  before(async () => {
    stack.defer(async () => await shared.stop())
    const folder = await mkdtemp(join(tmpdir(), 'cortex-room-'))
    stack.defer(async () => await rm(folder, { recursive: true, force: true }))
    disk = await makeSmallDisk(DISK_MIB)
    stack.defer(async () => await disk.unmount())
    // The images come from the engine beside it. The one on the small disk reaches no registry: the agent does.
    const outside = await startRealRegistry()
    stack.defer(async () => await outside.close())
    const offering = Promise.all(['a', 'b', 'c', 'owner', 'big'].map(async (name) => await offer(outside, name)))
    docker = await startEngine(folder)
    engine = createDockerEngine({ docker }, { allowRegistries: [outside.host] })
    await offering
    host = outside.host
    await engine.pull({ image: `${host}/owner:1`, policy: 'Always' })
  })
  after(async () => await stack.disposeAsync())

  async function offer(registry: RealRegistry, name: string): Promise<void> {
    const source = new Docker({ socketPath: shared.socketPath })
    const image = `cortex/room-${name}:1`
    await importRoot(source, image, rootOf(name))
    await registry.push(source, image, name)
    await source.getImage(image).remove()
  }

  async function startEngine(folder: string): Promise<Docker> {
    const socketPath = join(folder, 'docker.sock')
    const own = new Docker({ socketPath })
    const started = await startDockerd({
      ...{ dataRoot: join(disk.folder, 'data'), runDir: folder, socketPath },
      command: ['unshare', '--net', 'sh', '-c', 'ip link set lo up; exec dockerd "$@"', 'dockerd'],
      answers: async () => (await own.ping().catch(() => null)) !== null,
      report: () => {},
    })
    stack.defer(async () => await started.stop())
    return own
  }

  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(disk.folder)
    return bavail * bsize
  }
  /** As a new process of the agent makes one. */
  async function openKeeper() {
    const journal = await openJournal({ database, clock, logger }, { maxLeaseBytes: MIB, maxJournalBytes: MIB })
    return await createImageKeeper({ engine, journal, clock, logger, freeBytes }, { minFreeBytes: ROOM_BYTES })
  }
  const pulling = (name: string) => ({ image: `${host}/${name}:1`, policy: 'IfNotPresent' as const })
  async function left(): Promise<string[]> {
    const names = ['a', 'b', 'c', 'owner']
    const there = await pulledNames(docker, /./)
    return names.filter((name) => there.some((tag) => tag.includes(`/${name}:`)))
  }

  it('says of an image that does not fit that there is no space left, and keeps nothing of it', async () => {
    const freeBefore = await freeBytes()
    await assert.rejects(engine.pull(pulling('big')), (error: Error) => {
      const { code, details } = error as unknown as { code: string; details: { reason: string } }
      assert.deepEqual([code, details.reason], ['IMAGE_PULL_ERROR', 'no-space'])
      return true
    })
    assert.ok((await freeBytes()) > freeBefore - MIB)
  })

  it('lets the longest unused of the agent’s images go when room is short, and neither the owner’s nor what runs', async () => {
    const keeper = await openKeeper()
    for (const name of ['a', 'b']) {
      await keeper.pull(name, pulling(name), {})
      await keeper.release(name)
    }
    assert.equal(await keeper.makeRoom(), 0)
    const container = await docker.createContainer({ Image: (await pulledNames(docker, /\/a:/)).join(), Cmd: ['x'] })
    await keeper.pull('c', pulling('c'), {})
    await keeper.release('c')
    assert.ok((await freeBytes()) < ROOM_BYTES)
    assert.equal(await keeper.makeRoom(), 1)
    assert.deepEqual(await left(), ['a', 'c', 'owner'], 'a has a container')
    assert.ok((await freeBytes()) >= ROOM_BYTES)
    await container.remove()
  })

  it('makes room for an image that does not fit, also after a restart of the agent', async () => {
    const keeper = await openKeeper()
    await disk.fill(Math.floor((await freeBytes()) / MIB) - IMAGE_MIB - 2)
    assert.equal((await keeper.pull('b', pulling('b'), {})).names.length, 1)
    const there = await left()
    assert.ok(there.includes('owner') && there.includes('b') && there.length < 4, there.join())
  })
})

/** A root folder of a size that does not compress; the big one does, and is larger than the disk. */
function rootOf(name: string): Readable {
  const root = pack()
  root.entry({ name: 'data' }, name === 'big' ? Buffer.alloc((DISK_MIB + 4) * MIB) : randomBytes(IMAGE_MIB * MIB))
  root.finalize()
  return Readable.from(root)
}
