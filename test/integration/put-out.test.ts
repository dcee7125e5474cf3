/** A job that the owners of machines put out, and what its attempts cost. */

import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { AttemptCost } from '../../gateway/client/index.ts'
import { type Cortex, openCortex } from '../gateway/support/cortex.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const ENDLESS = 'echo ready; while :; do sleep 0.2; done'

describe('a job that owners put out of their machines', () => {
  let market: TestMarket
  let api: Api
  let cortex: Cortex

  before(async () => {
    market = await openMarket()
    api = await openApi(market)
    cortex = await openCortex({ CORTEX_GATEWAY: api.url, CORTEX_KEY: api.key })
  })
  after(async () => {
    await closeAll(
      async () => await cortex?.close(),
      async () => await market?.close(),
    )
  })

  /** The owner of the machine that has the job stops it there; answers which that was. */
  async function putOut(id: string, attempt: number): Promise<string> {
    const job = await market.when(id, ({ state, attempt: now }) => state.status === 'running' && now === attempt)
    const provider = 'lease' in job.state ? (job.state.lease?.provider ?? '') : ''
    const seller = market.sellers.find((one) => one.id === provider)
    assert.ok(seller)
    await until(async () => (await api.call('GET', `/jobs/${id}/logs`)).data.logs.length >= attempt)
    await seller.agent.stopJob(id, 'the machine is needed')
    return provider
  }

  it('goes to none of them again, says so, and shows what each attempt cost', async () => {
    await market.addSeller({ name: 'cheap', price: '1' })
    await market.addSeller({ name: 'dear', price: '2' })
    const id = await api.submit(market.job(ENDLESS, { maxAttempts: 5 }))
    const [first, second] = [await putOut(id, 1), await putOut(id, 2)]
    assert.notEqual(first, second)
    const job = await api.ended(id)
    assert.deepEqual([job.status, job.error.code, job.error.details.reason], ['failed', 'INTERNAL', 'stopped-by-owner'])
    assert.equal(job.error.message, 'The owner of the machine stopped the job: the machine is needed')
    const lost = job.events.filter(({ type }: { type: string }) => type === 'lost')
    assert.deepEqual(
      lost.map(({ message }: { message: string }) => message),
      Array(2).fill('The owner of the machine stopped the job: the machine is needed'),
    )
    const { bids } = (await api.call('GET', `/jobs/${id}/bids`)).data
    const again = bids.find((bid: { attempt: number; provider: string }) => bid.attempt === 2 && bid.provider === first)
    // On a machine without time for it, its bid comes when the others have been chosen from.
    if (again !== undefined) assert.match(again.reason, /^kept out: the owner of the machine stopped this job there$/)

    const { receipts } = (await api.call('GET', `/jobs/${id}/receipts`)).data as { receipts: AttemptCost[] }
    assert.deepEqual(
      receipts.map(({ attempt, provider, outcome }) => [attempt, provider, outcome]),
      [
        [1, first, 'failed'],
        [2, second, 'failed'],
      ],
    )
    for (const { receipt, cost, meteredSeconds } of receipts) {
      assert.deepEqual([receipt?.cost, receipt?.meteredSeconds, receipt?.jobId], [cost, meteredSeconds, id])
    }
    const sum = receipts.reduce((all, { cost }) => all + Math.round(cost * 1e9), 0)
    assert.equal(sum, Math.round(job.cost.final * 1e9))
    assert.equal((await api.call('GET', `/jobs/${id}/receipt`)).status, 404, 'no provider has its last attempt')

    const shown = await cortex.run(['job', 'receipt', id])
    assert.equal(shown.code, 0, shown.err)
    assert.match(
      shown.out,
      new RegExp(`attempt 1\\nprovider +${first}[^]*attempt 2\\nprovider +${second}[^]*in all\\n$`),
    )
    const one = await cortex.run(['job', 'receipt', id, '--attempt', '2', '--json'])
    assert.deepEqual(JSON.parse(one.out), [receipts[1]])
    const missing = await cortex.run(['job', 'receipt', id, '--attempt', '3'])
    assert.match(missing.err, /There is no receipt yet of attempt 3, only attempts 1, 2 had a provider/)
    const file = join(cortex.folder, 'receipts.json')
    await cortex.run(['job', 'receipt', id, '-o', file])
    const checked = await cortex.run(['receipt', 'verify', file])
    assert.equal(checked.code, 0, checked.err)
    assert.equal(checked.out.match(/^valid /gm)?.length, 2)
    await writeFile(file, JSON.stringify({ success: true, data: { receipts } }))
    assert.equal(JSON.parse((await cortex.run(['receipt', 'verify', file, '--json'])).out).length, 2)
    await writeFile(file, JSON.stringify([{ ...receipts[0]?.receipt, cost: 0 }, receipts[1]]))
    assert.match((await cortex.run(['receipt', 'verify', file])).err, /cost says 0/)
  })
})
