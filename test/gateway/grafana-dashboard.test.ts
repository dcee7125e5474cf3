/** The dashboard for Grafana shows nothing that a gateway does not measure. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { dashboardMetrics } from '../support/grafana-dashboard.ts'
import { openTestGateway, submit } from './support/test-gateway.ts'

describe('the dashboard for Grafana', () => {
  it('names metrics of this program that exist, and most of those that there are', async (test) => {
    const gateway = await openTestGateway({ metricsToken: 'scraper' })
    test.after(async () => await gateway.close())
    const id = await submit(gateway)
    await gateway.play.start(id)
    for (const entry of await gateway.store.feed(0, 100)) gateway.jobMetrics.note(entry)
    const text: string = (await gateway.ask('GET', '/metrics', { key: 'scraper' })).body
    const measured = new Set([...text.matchAll(/^([a-z0-9_]+)[ {]/gm)].map(([, name]) => name as string))
    const shown = dashboardMetrics().filter((name) => name.startsWith('cortex_'))
    // What the process itself uses is registered where the gateway is started; test/integration/metrics.test.ts looks there.
    const ofMarket = shown.filter((name) => !/^cortex_(process|nodejs)_/.test(name))
    assert.deepEqual(
      ofMarket.filter((name) => !measured.has(name)),
      [],
    )
    const stem = (name: string): string => name.replace(/_(bucket|count|sum)$/, '')
    const missing = [...measured].map(stem).filter((name) => !ofMarket.map(stem).includes(name))
    assert.deepEqual(missing, [], 'measured, and on no panel')
  })
})
