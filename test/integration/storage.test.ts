/** Limits of storage where the engine's driver has no quota: use is measured, and what goes beyond is ended. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import type { JobRecord } from '../../node/store/index.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const MiB = 2 ** 20

describe('measured storage', { timeout: 60_000, concurrency: true }, () => {
  let market: TestMarket
  let seller: Seller

  before(async () => {
    market = await openMarket()
    seller = await market.addSeller({ agent: { storageMs: 500 } })
  })
  after(async () => await market.close())

  const isHard = (): boolean => seller.agent.status().capabilities.includes('storage-quota')
  const hard = 'the engine here has quotas of its own: they are tested on btrfs, with the attacks'

  function failureOf({ state }: JobRecord): { code: string; details: Record<string, string> } {
    assert.equal(state.status, 'failed')
    assert.ok('failure' in state)
    const { code, details } = state.failure
    return { code, details: details as Record<string, string> }
  }

  const beyond: [string, string, string][] = [
    ['a file', `head -c ${40 * MiB} /dev/zero >/x; sleep 60`, 'storage'],
    // An empty file takes an inode, of which a disk has so many.
    ['files of nothing', 'mkdir /d; cd /d; seq 9000 | xargs touch; sleep 60', 'storage'],
    ['a volume', `head -c ${12 * MiB} /dev/zero >/data/x; sleep 60`, 'volume'],
  ]
  for (const [what, script, kind] of beyond) {
    it(`${what} beyond the limit ends the job, which is told limit and use`, async (t) => {
      if (isHard()) return t.skip(hard)
      const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
      const { code, details } = failureOf(await market.run(script, { volumes, maxAttempts: 1 }))
      assert.equal(code, 'RESOURCE_LIMIT_EXCEEDED')
      assert.equal(details.reason, 'storage-limit')
      assert.equal(details.what, kind)
      assert.equal(details.volume, kind === 'volume' ? 'data' : undefined)
      const limit = kind === 'volume' ? 8 * MiB : 16 * MiB
      assert.equal(details.limitBytes, String(limit))
      assert.ok(Number(details.usedBytes) > limit, details.usedBytes)
    })
  }

  it('a job that stays within its limits is left alone; its volume is there for the next attempt, and goes with it', async () => {
    const volumes = [{ name: 'data', mountPath: '/data', size: '8Mi' }]
    // The first attempt leaves something, and fails.
    const script = `head -c ${6 * MiB} /dev/zero >/x; [ -e /data/x ] && exit 0; head -c ${6 * MiB} /dev/zero >/data/x; sleep 1; exit 3`
    const { id, state, attempt } = await market.run(script, { volumes, maxAttempts: 2, retryOnFailure: true })
    assert.deepEqual([state.status, attempt], ['completed', 2])
    const filters = { label: [`org.cortex-node.owner=${seller.id}`, `cortex.job=${id}`] }
    await until(
      async () => (await market.docker.listVolumes({ filters: JSON.stringify(filters) })).Volumes.length === 0,
    )
  })
})
