import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import { inputLabel } from '../../../provider-agent/engine/input-volumes.ts'
import { DataError } from '../../../provider-agent/inputs/data-error.ts'
import { volumeOf } from '../../../provider-agent/inputs/place.ts'
import { createShelf } from '../../../provider-agent/inputs/shelf.ts'
import { createSimClock, type SimClock } from '../../support/sim-clock.ts'

const volume = (name: string, requester = 'me'): string => volumeOf('agent', requester, `file-${name}`)

let folder: string
let clock: SimClock
let there: Map<string, Record<string, string>>
let used: Set<string>
let free: number

const shelfOf = () =>
  createShelf(
    {
      engine: {
        volumes: async () => [...there].map(([name, labels]) => ({ name, labels })),
        removeVolume: async (name) => void there.delete(name),
      },
      ...{ clock, logger: silentLogger, room: async () => 250, freeBytes: async () => free },
      isUsed: (name) => used.has(name),
    },
    { folder, owner: 'agent' },
  )
const { signal } = new AbortController()

async function fill(shelf: ReturnType<typeof shelfOf>, name: string, requester = 'me'): Promise<void> {
  const room = shelf.reserve('/in')
  await room.upTo(100, signal)
  there.set(volume(name, requester), { [inputLabel]: name })
  await shelf.keep(volume(name, requester), 100)
  room.release()
  await clock.advance(1_000)
}

describe('what jobs brought', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-shelf-'))
    clock = createSimClock()
    there = new Map()
    used = new Set()
    free = 1_000
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  it('is asked for by its mark while it is kept, over a restart, and as soon as its requester says one', async () => {
    const shelf = shelfOf()
    await shelf.start(signal)
    await fill(shelf, 'a')
    assert.equal(shelf.has('mark-a'), false)
    await shelf.find(volume('a'), 'mark-a')
    assert.equal(shelf.has('mark-a'), true)
    await shelf.find(volume('a'))
    const next = shelfOf()
    await next.start(signal)
    assert.equal(next.has('mark-a'), true)
    await next.forget(volume('a'))
    assert.equal(next.has('mark-a'), false)
  })

  it('is found by who brought it, and by nobody else', async () => {
    const shelf = shelfOf()
    await shelf.start(signal)
    await fill(shelf, 'a')
    assert.equal((await shelf.find(volume('a')))?.volume, volume('a'))
    assert.equal(await shelf.find(volume('a', 'other')), null)
    assert.equal(await shelf.find(volumeOf('agent', 'me', 'folder-a')), null, 'a folder is no file')
    assert.notEqual(volume('a'), volumeOf('another agent', 'me', 'file-a'))
  })

  it('gives way to what comes, the least recently used first', async () => {
    const shelf = shelfOf()
    await shelf.start(signal)
    await fill(shelf, 'a')
    await fill(shelf, 'b')
    await shelf.find(volume('a'))
    await clock.advance(1_000)
    await fill(shelf, 'c')
    assert.deepEqual([...there.keys()].toSorted(), [volume('a'), volume('c')].toSorted())
    assert.equal(await shelf.find(volume('b')), null)
  })

  it('stays while a lease has it, and what comes has no room then', async () => {
    const shelf = shelfOf()
    await shelf.start(signal)
    await fill(shelf, 'a')
    await fill(shelf, 'b')
    used.add(volume('a')).add(volume('b'))
    const isFull = (error: unknown) => error instanceof DataError && error.details.reason === 'no-space'
    await assert.rejects(shelf.reserve('/in').upTo(100, signal), isFull)
    used.delete(volume('a'))
    const coming = shelf.reserve('/in')
    await coming.upTo(60, signal)
    await coming.upTo(100, signal)
    await coming.upTo(80, signal)
    used.add(volume('b'))
    await assert.rejects(shelf.reserve('/in').upTo(51, signal), isFull, 'what is on its way has its place')
    coming.release()
    free = 99
    await assert.rejects(shelf.reserve('/in').upTo(100, signal), isFull, 'a full disk')
    await assert.rejects(shelf.reserve('/in').upTo(251, signal), isFull, 'more than all of the room')
  })

  it('is there after a restart, without what was half there, and without what somebody removed', async () => {
    const first = shelfOf()
    await first.start(signal)
    await fill(first, 'a')
    await fill(first, 'b')
    there.delete(volume('b'))
    there.set('half', { [inputLabel]: 'x' })
    there.set('a job’s own', { [inputLabel]: 'x', 'cortex.job': 'job_1' })
    there.set('a volume', { 'cortex.job': 'job_1' })
    const second = shelfOf()
    await second.start(signal)
    assert.deepEqual([...there.keys()].toSorted(), [volume('a'), 'a job’s own', 'a volume'].toSorted())
    assert.equal((await second.find(volume('a')))?.bytes, 100)
    assert.equal(await second.find(volume('b')), null)
  })
})
