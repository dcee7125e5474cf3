/** However many jobs come at once: no seller promises more than it has. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { leaseOf } from '../../node/store/records.ts'
import { addResources, NO_RESOURCES, RESOURCE_KINDS, type Resources } from '../../protocol/units.ts'
import { until } from '../support/until.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const JOBS = 20
const MIB = 2 ** 20

/** What the engine's containers of a seller may use together. */
async function promised({ docker }: TestMarket, { id }: Seller): Promise<Resources> {
  const containers = await docker.listContainers({ filters: { label: [`org.cortex-node.owner=${id}`] } })
  const details = await Promise.allSettled(containers.map(async ({ Id }) => await docker.getContainer(Id).inspect()))
  let sum: Resources = NO_RESOURCES
  for (const detail of details) {
    // One that could not be looked at was removed meanwhile.
    if (detail.status === 'rejected' || !detail.value.State.Running) continue
    const { NanoCpus = 0, Memory = 0 } = detail.value.HostConfig
    sum = addResources(sum, { ...NO_RESOURCES, cpuMillis: NanoCpus / 1e6, memoryBytes: Memory })
  }
  return sum
}

describe('20 jobs at once', () => {
  it('all run, and never more of them than fit', async (test) => {
    const market = await openMarket()
    test.after(market.close)
    // Room for three by its CPU, and for two by its memory.
    const sellers = [
      await market.addSeller({ name: 'cpu', caps: { cpuMillis: 350 } }),
      await market.addSeller({ name: 'memory', price: '0.011', caps: { memoryBytes: 60 * MIB } }),
    ]
    const over: string[] = []
    const most = new Map<Seller, number>()
    let looks = 0
    let done = false

    function note(who: string, used: Resources, total: Resources): void {
      for (const kind of RESOURCE_KINDS) {
        if (used[kind] > total[kind]) over.push(`${who}: ${used[kind]} of ${total[kind]} ${kind}`)
      }
    }
    /** Promises, as the agents and as the engine see them, over and over. */
    async function watch(): Promise<void> {
      while (!done) {
        for (const seller of sellers) {
          const { total, free, leases } = seller.agent.status()
          const held = leases.filter(({ outcome }) => outcome === null).map(({ resources }) => resources)
          note('leases', held.reduce(addResources, NO_RESOURCES), total)
          // Bids hold capacity, too.
          note('leases and bids', addResources(held.reduce(addResources, NO_RESOURCES), free), total)
          most.set(seller, Math.max(most.get(seller) ?? 0, held.length))
          note('engine', await promised(market, seller), total)
          looks += 1
        }
        await delay(20)
      }
    }
    const watching = watch()
    const script = 'sleep 0.4; echo done'
    const changes = { cpu: 100, memory: '24Mi', queueTimeout: 90 }
    const jobs = await Promise.all(
      Array.from({ length: JOBS }, async () => await market.submit(market.job(script, changes))),
    )
    const ended = await Promise.all(jobs.map(async ({ id }) => await market.ended(id)))
    done = true
    await watching

    assert.deepEqual(over, [])
    assert.deepEqual(
      ended.map(({ state, attempt }) => [state.status, attempt]),
      Array.from({ length: JOBS }, () => ['completed', 1]),
    )
    assert.deepEqual(new Set(ended.map((job) => leaseOf(job)?.provider)), new Set(sellers.map(({ id }) => id)))
    // The room that there was has been used.
    assert.deepEqual(
      sellers.map((seller) => most.get(seller)),
      [3, 2],
    )
    assert.ok(looks > 2 * JOBS, `only ${looks} looks`)
    await until(() => sellers.every(({ agent }) => agent.status().leases.length === 0))
    for (const { agent } of sellers) assert.deepEqual(agent.status().free, agent.status().total)
    assert.deepEqual(await market.left(), [])
  })
})
