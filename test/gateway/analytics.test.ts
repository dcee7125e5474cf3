import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'
import { PROVIDER } from './support/test-node.ts'

const COSTS = '/api/plugin-core/analytics/costs'
let gateway: TestGateway

describe('cost analytics', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('adds up estimated costs, the grace included, and actual ones by day, provider and label', async () => {
    const alice = await gateway.keyFor('alice')
    for (const [team, key] of [
      ['a', undefined],
      ['a', undefined],
      ['b', alice],
    ] as const) {
      const id = await submit(gateway, { labels: { team }, duration: 7000, stopGraceSeconds: 200 }, key)
      await gateway.play.start(id)
      await gateway.play.complete(id, { meteredMs: 3_600_000 })
    }
    await submit(gateway)
    const byTeam = (await gateway.ask('GET', `${COSTS}?groupBy=label.team`)).data
    assert.deepEqual(byTeam.rows, [
      { group: 'a', jobs: 2, estimated: 0.04, actual: 0.02, volumes: 0 },
      { group: 'b', jobs: 1, estimated: 0.02, actual: 0.01, volumes: 0 },
      { group: 'none', jobs: 1, estimated: 0, actual: 0, volumes: 0 },
    ])
    assert.deepEqual(byTeam.total, { jobs: 4, estimated: 0.06, actual: 0.03, volumes: 0 })
    const hers = (await gateway.ask('GET', `${COSTS}?groupBy=provider`, { key: alice })).data
    assert.deepEqual(hers.rows, [{ group: PROVIDER, jobs: 1, estimated: 0.02, actual: 0.01, volumes: 0 }])
    const days = (await gateway.ask('GET', COSTS)).data
    assert.deepEqual([days.groupBy, days.rows.length, days.total.jobs], ['day', 1, 4])
    assert.match(days.rows[0].group, /^\d{4}-\d\d-\d\d$/)
  })

  it('leaves out what is older than the period, and refuses what it does not know', async () => {
    await submit(gateway)
    gateway.time.nowMs = Date.now() + 8 * 86_400_000
    assert.equal((await gateway.ask('GET', `${COSTS}?period=7d`)).data.total.jobs, 0)
    assert.equal((await gateway.ask('GET', `${COSTS}?period=30d`)).data.total.jobs, 1)
    for (const [query, path] of [
      ['?period=1y', 'period'],
      ['?groupBy=colour', 'groupBy'],
      ['?groupBy=label.', 'groupBy'],
    ]) {
      const answer = await gateway.ask('GET', `${COSTS}${query}`)
      assert.deepEqual([answer.status, answer.body.error.details.fields[0].path], [400, path])
    }
  })
})
