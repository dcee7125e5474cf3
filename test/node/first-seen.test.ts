import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createDirectory } from '../../node/directory/directory.ts'
import { recallFirstSeen } from '../../node/directory/first-seen.ts'
import { silentLogger } from '../../node/logger.ts'
import { announcementBytes } from '../support/announcements.ts'
import { memoryFirstSeen } from '../support/first-seen.ts'
import { createMemoryHub } from '../support/memory-network.ts'
import { createSimClock } from '../support/sim-clock.ts'

describe('since when providers are known', () => {
  it('entry 35: knows since when it has known a provider, after a restart and after it was forgotten', async (test) => {
    const clock = createSimClock()
    const hub = createMemoryHub({ clock })
    const store = memoryFirstSeen()
    const provider = await hub.join()
    const since = clock.nowMs()
    const start = async () => {
      const { network } = await hub.join()
      const components = { network, clock, logger: silentLogger }
      const firstSeen = await recallFirstSeen({ store, logger: silentLogger })
      const directory = createDirectory({ ...components, firstSeen }, { networkName: 'test' })
      await directory.start()
      test.after(() => directory.stop())
      return directory
    }
    let sequence = 0n
    const announce = async (): Promise<void> => {
      sequence += 1n
      await provider.network.publish('announcements', await announcementBytes(provider.privateKey, { sequence }))
      await hub.settled()
    }
    const first = await start()
    await announce()
    await clock.advance(2 * 60 * 60_000)
    assert.deepEqual(first.list(), [], 'forgotten')
    await announce()
    assert.equal(first.list()[0]?.firstSeenMs, since)
    await first.stop()
    const again = await start()
    await announce()
    assert.equal(again.list()[0]?.firstSeenMs, since)
    assert.equal(again.list()[0]?.lastSeenMs, clock.nowMs())
  })

  it('entry 35: keeps that of so many, of those that it heard of last, and never a time that is yet to come', async () => {
    const store = memoryFirstSeen()
    const components = { store, logger: silentLogger }
    const firstSeen = await recallFirstSeen(components, 2)
    for (const [provider, atMs] of [
      ['a', 1],
      ['b', 2],
      ['a', 3],
      ['c', 4],
    ] as const) {
      firstSeen.of(provider, atMs)
    }
    assert.deepEqual([...(await store.firstSeen())].toSorted(), [
      ['a', 1],
      ['c', 4],
    ])
    const again = await recallFirstSeen(components, 2)
    // The clock was set back.
    assert.deepEqual([again.of('a', 5), again.of('c', 3), again.of('c', 9)], [1, 3, 3])
    const failing = { firstSeen: async () => new Map(), keepFirstSeen: () => Promise.reject(new Error('no room')) }
    const forgetful = await recallFirstSeen({ store: failing, logger: silentLogger })
    assert.deepEqual([forgetful.of('a', 5), forgetful.of('a', 6)], [5, 5])
  })
})
