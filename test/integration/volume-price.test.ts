/** Volumes that stay, at a price, on a real engine: what is signed is the time in which no job had them. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import type { JobRecord } from '../../node/store/index.ts'
import { openVolumeReceipt, volumeReceiptViews } from '../../node/views/receipt-view.ts'
import { volumeIdOf } from '../../protocol/job-volumes.ts'
import { DEFAULT_PRICES } from '../../provider-agent/prices/default-prices.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const MiB = 2 ** 20
/** A GB-hour costs a dollar, so that seconds of a small volume come to something. */
const PRICE = 1_000_000_000n

describe('the price of volumes that stay', () => {
  let market: TestMarket
  let provider: string
  let earned: () => Promise<bigint>

  before(async () => {
    market = await openMarket()
    const { agent, network } = await market.addSeller({
      agent: { prices: { ...DEFAULT_PRICES, volumePerGbHour: PRICE } },
    })
    provider = network.peerId
    earned = async () => (await agent.earnings(0)).total.volumes
  })
  after(async () => await market.close())

  const ran = async (script: string, volumes: object[]): Promise<JobRecord> => {
    const job = await market.run(script, { volumes, maxAttempts: 1 } as never)
    assert.equal(job.state.status, 'completed', JSON.stringify(job.state))
    return job
  }

  it('two jobs and the times between and after them: one receipt at the end, of those times alone', async () => {
    const { volumes } = market.node
    const beganMs = performance.now()
    const first = await ran('echo one >/data/x', [{ name: 'data', mountPath: '/data', size: '64Mi', keep: 3_600 }])
    const id = volumeIdOf(first.id, provider, 'data')
    const [bid] = await market.node.store.bids(first.id)
    assert.equal(bid?.volumePerGbHour, String(PRICE))
    await delay(3_000)
    const second = await ran('sleep 4; cat /there/x', [{ volume: id, mountPath: '/there' }])
    await delay(3_000)
    const { state } = await volumes.delete(id)
    const allMs = performance.now() - beganMs
    assert.equal(state, 'deleted')

    const records = await Array.fromAsync(volumes.receipts(id))
    assert.equal(records.length, 1)
    const [{ signed, seconds, cost } = assert.fail()] = records
    const { receipt, signer } = await openVolumeReceipt(signed.provider)
    assert.deepEqual([signer, receipt.provider, receipt.requester], [provider, provider, market.node.network.peerId])
    assert.equal((await openVolumeReceipt(signed.requester)).signer, market.node.network.peerId)
    const ranMs = [first, second].reduce((sum, job) => sum + runMs(job), 0)
    assert.ok(seconds >= 5, `${seconds} s`)
    assert.ok(seconds <= (allMs - ranMs) / 1_000 + 1, `${seconds} s of ${allMs} ms, of which the jobs had ${ranMs}`)
    assert.equal(receipt.costNanoUsd, (PRICE * BigInt(64 * MiB) * BigInt(seconds)) / (2n ** 30n * 3_600n))
    assert.equal(cost, String(receipt.costNanoUsd))
    assert.equal(await earned(), receipt.costNanoUsd)
    assert.equal(volumes.costOf(volumes.get(id) ?? assert.fail()).signed, receipt.costNanoUsd)

    const file = join(market.folder, 'receipts.json')
    const [shown = assert.fail()] = await volumeReceiptViews(records)
    await writeFile(file, JSON.stringify([shown]))
    const verify = async () => await promisify(execFile)(process.execPath, [PROGRAM, 'receipt', 'verify', file])
    assert.match((await verify()).stdout, new RegExp(`volume +${id}, receipt 1`))
    await writeFile(file, JSON.stringify([{ ...shown, seconds: shown.seconds + 1 }]))
    await assert.rejects(verify(), /seconds says/)
  })
})

function runMs({ state }: JobRecord): number {
  if (!('endedAtMs' in state) || state.startedAtMs === null) return assert.fail('it ran')
  return state.endedAtMs - state.startedAtMs
}
