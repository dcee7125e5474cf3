/** Links that are cut and healed: the agents are in network namespaces of their own, behind a router that forgets packets. */

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { eventually, type FaultMarket, startFaultMarket } from './support/fault-market.ts'
import { createNamespaces, type Namespaces, namespaceProblem } from './support/namespaces.ts'

const TIMES = { heartbeatMs: 500, lostAfterMs: 15_000 }
/** Well below the loss, what TCP takes to notice that the link is back, and a busy machine to put it there, included. */
const SHORT_CUT_MS = 2_500

const problem = await namespaceProblem()

describe('a link that is cut', { skip: problem ?? false }, () => {
  test('for less than a lease changes nothing; for more, the job goes elsewhere and its old attempt counts no more', async () => {
    const names = ['first', 'second', 'spare']
    await using namespaces = await createNamespaces(names)
    await using market = await startFaultMarket({
      agents: [
        { name: 'first', flags: ['--label', 'first=yes'] },
        { name: 'second', flags: ['--label', 'second=yes'] },
        { name: 'spare', flags: ['--label', 'first=yes', '--label', 'second=yes'] },
      ],
      times: TIMES,
      launch: (name) => (name === 'gateway' ? { host: namespaces.gatewayHost } : namespaces.agent(name)),
    })
    const spare = market.agents[2]
    assert.ok(spare)
    process.kill(spare.process.pid, 'SIGSTOP')
    const ids = await Promise.all([
      runningWith(market, 'first', {}),
      runningWith(market, 'second', { onDisconnect: 'stop', leaseTimeout: 10 }),
    ])
    process.kill(spare.process.pid, 'SIGCONT')

    await cut(SHORT_CUT_MS, (up) => namespaces.routing(up))
    // What was written meanwhile arrives, and more.
    for (const id of ids) await comesBy(market, id)
    await Promise.all([longCut(market, namespaces, 'first', ids[0]), longCut(market, namespaces, 'second', ids[1])])
    for (const id of ids) {
      const { status, attempt } = await market.ended(id)
      assert.deepEqual({ status, attempt }, { status: 'completed', attempt: 2 })
    }
    assert.deepEqual(await market.check(), [])
  })
})

async function runningWith(market: FaultMarket, label: string, changes: object): Promise<string> {
  const id = await market.submit(
    market.count(400, 100, { constraints: { labels: { [label]: 'yes' } }, ...changes }),
    true,
  )
  await market.when(id, ({ status }) => status === 'running')
  return id
}

async function cut(ms: number, link: (up: boolean) => Promise<void>): Promise<void> {
  await link(false)
  await delay(ms)
  await link(true)
}

/** Lines that are read after now come from the first attempt. */
async function comesBy(market: FaultMarket, id: string): Promise<void> {
  const before = market.linesRead(id)
  await eventually(async () => market.linesRead(id) > before || `no more lines of ${id}`)
  assert.equal((await market.api.job(id)).attempt, 1)
}

/** Cut off until the job runs elsewhere. */
async function longCut(market: FaultMarket, namespaces: Namespaces, name: string, id: string): Promise<void> {
  await namespaces.link(name, false)
  await market.when(id, ({ status, attempt }) => status === 'running' && attempt === 2)
  await namespaces.link(name, true)
}
