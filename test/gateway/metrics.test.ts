import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { openTestGateway, submit, type TestGateway } from './support/test-gateway.ts'

let gateway: TestGateway

describe('metrics', () => {
  beforeEach(async () => {
    gateway = await openTestGateway({ metricsToken: 'scraper' })
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('are for admins, this machine and the scraper’s token', async () => {
    const alice = await gateway.keyFor('alice')
    const cases: [string, string | null, number][] = [
      ['the scraper', 'scraper', 200],
      ['an admin', 'admin-key-of-this-test', 200],
      ['another key', alice, 401],
      ['a wrong token', 'scrape', 401],
      ['nobody, from no loopback address', null, 401],
    ]
    for (const [name, key, status] of cases) {
      assert.equal((await gateway.ask('GET', '/metrics', { key })).status, status, name)
    }
    assert.equal((await gateway.ask('GET', '/api/v1/metrics')).status, 200)
  })

  it('count jobs, events, phases and requests by route', async () => {
    const id = await submit(gateway)
    await gateway.play.start(id)
    await gateway.play.complete(id)
    await submit(gateway)
    await gateway.ask('GET', `/api/plugin-core/jobs/${id}`)
    for (const entry of await gateway.store.feed(0, 100)) gateway.jobMetrics.note(entry)
    const text: string = (await gateway.ask('GET', '/metrics')).body
    const expected = [
      'cortex_jobs{status="pending"} 1',
      'cortex_jobs{status="completed"} 1',
      'cortex_providers{status="online"} 1',
      'cortex_peers 1',
      'cortex_job_award_seconds_count 1',
      'cortex_job_start_seconds_count 1',
      'cortex_http_request_seconds_count{method="GET",route="/api/plugin-core/jobs/:id",status="200"} 1',
      'cortex_event_streams 0',
      'cortex_job_events_total{type="created"} 2',
      'cortex_gossip_listeners{topic="requests"} 1',
      'cortex_gossip_messages_total{direction="published"} 2',
      'cortex_network_refused_total{reason="TOO_LARGE"} 4',
    ]
    for (const line of expected) assert.ok(text.includes(line), `${line} in\n${text}`)
  })
})
