/** What is signed for volumes, as costs find it: by owner, provider and time, and each receipt once. */

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { checkStore, remakeLists } from '../../../node/store/check-store.ts'
import type { JobStore } from '../../../node/store/index.ts'
import { createSecretBox } from '../../../node/store/secret-box.ts'
import { openSampleStore } from './support/sample-jobs.ts'

const HOUR_MS = 3_600_000

describe('what is signed for volumes', () => {
  let folder: string
  let opened: Awaited<ReturnType<typeof openSampleStore>>
  let store: JobStore
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-volume-costs-'))
    opened = await openSampleStore(folder, systemClock)
    store = opened.store
    for (const [volumeId, owner, provider] of [
      ['vol_a', 'alice', 'p1'],
      ['vol_b', 'an owner!', 'p1'],
      ['vol_c', 'alice', 'p2'],
    ] as const) {
      for (const number of [1, 2, 3]) await sign(volumeId, owner, provider, number)
    }
  })
  afterEach(async () => {
    await store.close()
    await rm(folder, { recursive: true })
  })

  async function sign(volumeId: string, owner: string, provider: string, number: number): Promise<void> {
    const record = {
      ...{ id: volumeId, owner, provider, addresses: [], jobId: 'job_a', name: 'data', sizeBytes: 1, keepSeconds: 1 },
      ...{ createdAtMs: 0, state: 'kept' as const, inUse: false, draining: false, expiresAtMs: null, endedAtMs: null },
    }
    await store.keepVolume(volumeId, record, {
      ...{ volumeId, owner, provider, number, seconds: 3_600, cost: String(number * 1_000) },
      ...{ signedAtMs: number * HOUR_MS, signed: { provider: 'p', requester: 'r' } },
    })
  }

  async function charges(owner: string | undefined, fromMs = 0, toMs = Date.now()) {
    const all = await Array.fromAsync(store.volumeCosts({ owner, fromMs, toMs }))
    return all.map(({ provider, signedAtMs, cost }) => [provider, signedAtMs / HOUR_MS, Number(cost)])
  }

  async function problems(): Promise<string[]> {
    const found: string[] = []
    await checkStore({
      ...{ database: opened.database, secretBox: createSecretBox('key'), looked: () => undefined },
      found:
        (what) =>
        async ({ kind }) =>
          void found.push(`${what} ${kind}`),
      settled: async () => undefined,
    })
    return found
  }

  it('is found by owner and time, its ends included, the oldest first', async () => {
    assert.deepEqual(await charges('alice', HOUR_MS, 2 * HOUR_MS), [
      ['p1', 1, 1_000],
      ['p2', 1, 1_000],
      ['p1', 2, 2_000],
      ['p2', 2, 2_000],
    ])
    assert.deepEqual(await charges('an owner!', 2 * HOUR_MS + 1), [['p1', 3, 3_000]])
    assert.equal((await charges(undefined)).length, 9)
    assert.deepEqual(await charges('bob'), [])
  })

  it('is part of what was spent at a provider, each receipt once, also where lists are made anew', async () => {
    const spent = async () => [await store.costAt('p1', 'alice'), await store.costAt('p1'), await store.costAt('p2')]
    assert.deepEqual(await spent(), [6_000n, 12_000n, 6_000n])
    await Promise.all([sign('vol_a', 'alice', 'p1', 3), sign('vol_a', 'alice', 'p1', 3)])
    assert.deepEqual(await spent(), [6_000n, 12_000n, 6_000n])
    const before = await charges(undefined)
    assert.deepEqual(await problems(), [])
    await opened.database.del('!meta!schema')
    await remakeLists({ database: opened.database, logger: silentLogger })
    assert.deepEqual([await spent(), await charges(undefined)], [[6_000n, 12_000n, 6_000n], before])
    assert.deepEqual(await problems(), [])
  })

  it('is looked at where a store is checked: receipts that cannot be read, and costs of none', async () => {
    const [at = ''] = await opened.database.keys({ gt: '!volume-receipts!', limit: 1 }).all()
    await opened.database.put(at, '{"number":"one"}')
    const found = await problems()
    assert.ok(found.includes('receipts of volumes cannot be read'), found.join('; '))
    assert.ok(found.includes('lists and counts of jobs of no job, or too high'), found.join('; '))
  })
})
