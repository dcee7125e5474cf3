/** Where a job's data lies already, it runs sooner: on a real engine and over real links. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { after, before, describe, it } from 'node:test'
import { readImageArchive } from '../../node/images/read-archive.ts'
import { giveLocal } from '../../node/inputs/give-local.ts'
import type { BidRecord, JobRecord } from '../../node/store/index.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { sentName } from '../../provider-agent/images/names.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const BYTES = 48 * 2 ** 20

describe('where the data of a job is', () => {
  let market: TestMarket
  let sellers: [Seller, Seller]

  before(async () => {
    market = await openMarket()
    sellers = [await market.addSeller({ name: 'attic' }), await market.addSeller({ name: 'cellar' })]
  })
  after(async () => {
    const sent = sentName(market.node.network.peerId, '')
    const names = (await market.docker.listImages()).flatMap(({ RepoTags: all }) => all ?? [])
    await market.close()
    for (const name of names.filter((one) => one.includes(sent))) await market.docker.getImage(name).remove()
  })

  async function run(changes: Partial<JobSubmission>): Promise<{ job: JobRecord; by: string; bids: BidRecord[] }> {
    const job = await market.run('true', changes)
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
    const bids = await market.node.store.bids(job.id)
    return { job, bids, by: bids.find(({ outcome }) => outcome === 'accepted')?.provider ?? '' }
  }

  const missingAt = (bids: BidRecord[], { id }: Seller) => bids.find(({ provider }) => provider === id)?.missingBytes

  /** From the award to the container, in ms. */
  function startMs({ state }: JobRecord): number {
    assert.ok('startedAtMs' in state && 'scheduledAtMs' in state)
    return (state.startedAtMs ?? 0) - (state.scheduledAtMs ?? 0)
  }

  async function given(name: string): Promise<JobSubmission['inputs']> {
    const path = join(market.folder, name)
    await writeFile(path, randomBytes(BYTES))
    const { upload } = await giveLocal(market.node.uploads, 'test', path)
    return [{ path: '/in/rows', from: { upload: `sha256:${upload.sha256}` } }]
  }

  for (const index of [0, 1] as const) {
    it(`there it runs, and nothing has to come again: at seller ${index + 1} of two`, async (t) => {
      const [holder, other] = [sellers[index], sellers[1 - index]] as [Seller, Seller]
      const inputs = await given(`rows-${index}`)
      const first = await run({ inputs, provider: holder.id })
      assert.equal(missingAt(first.bids, holder), BYTES)
      const [bare, again]: [number[], number[]] = [[], []]
      for (const providerStrategy of ['performance', 'cost', 'performance', 'cost'] as const) {
        const { job, by, bids } = await run({ inputs, providerStrategy })
        assert.equal(by, holder.id, `${providerStrategy}: ${bids.map(({ reason }) => reason).join('; ')}`)
        assert.equal(missingAt(bids, holder), 0)
        assert.equal(missingAt(bids, other), BYTES)
        again.push(startMs(job))
        bare.push(startMs((await run({})).job))
      }
      t.diagnostic(`award to start: ${startMs(first.job)} ms; with its data there ${again}; without any ${bare}`)
    })
  }

  it('an image that is sent counts as well', async () => {
    const folder = await mkdtemp(join(market.folder, 'archive-'))
    const archive = await market.docker.getImage(market.image).get()
    const { manifest, config, layers } = await readImageArchive(Readable.from(archive), folder)
    for (const { path } of [...layers, config, manifest]) await giveLocal(market.node.uploads, 'test', path)
    const sent = { image: 'mine/app:dev', imageFrom: { upload: manifest.digest } }
    const [, holder] = sellers
    await run({ ...sent, provider: holder.id })
    const { bids } = await run({ ...sent, providerStrategy: 'performance' })
    assert.equal(missingAt(bids, holder), 0)
    assert.ok((missingAt(bids, sellers[0]) ?? 0) > 0)
  })
})
