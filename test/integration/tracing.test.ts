/** One job's trace over two processes, as a collector of OpenTelemetry receives it. */

import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { networkAfterJob } from './support/network-after-job.ts'

interface Received {
  service: string
  name: string
  traceId: string
  spanId: string
  parentSpanId: string
}

interface Export {
  resourceSpans: {
    resource: { attributes: { key: string; value: { stringValue?: string } }[] }
    scopeSpans: { spans: Omit<Received, 'service'>[] }[]
  }[]
}

async function collect(test: TestContext): Promise<{ url: string; spans: Received[] }> {
  const spans: Received[] = []
  const server = createServer(async (request, response) => {
    const { resourceSpans } = (await json(request)) as Export
    for (const { resource, scopeSpans } of resourceSpans) {
      const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? ''
      for (const { name, traceId, spanId, parentSpanId = '' } of scopeSpans.flatMap((scope) => scope.spans)) {
        spans.push({ service, name, traceId, spanId, parentSpanId })
      }
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  test.after(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans }
}

describe('tracing', () => {
  it('follows a job from its placement at the gateway to its start at the agent', async (test) => {
    const { url, spans } = await collect(test)
    process.env.OTEL_EXPORTER_OTLP_ENDPOINT = url
    test.after(() => {
      delete process.env.OTEL_EXPORTER_OTLP_ENDPOINT
    })
    const network = await networkAfterJob(test)
    // The last spans are sent as the processes end.
    await Promise.all(network.processes.map(({ end }) => end()))
    const find = (name: string): Received => {
      const found = spans.find((span) => span.name === name)
      assert.ok(found, `${name} among ${spans.map((span) => span.name).join()}`)
      return found
    }
    const place = find('cortex.place')
    const cases: [name: string, service: string, parent: Received][] = [
      ['cortex.round', 'cortex-gateway', place],
      ['cortex.bid', 'cortex-agent', find('cortex.round')],
      ['cortex.award', 'cortex-gateway', place],
      ['cortex.accept', 'cortex-agent', find('cortex.award')],
      ['cortex.pull', 'cortex-agent', find('cortex.award')],
      ['cortex.create', 'cortex-agent', find('cortex.award')],
      ['cortex.start', 'cortex-agent', find('cortex.award')],
    ]
    for (const [name, service, parent] of cases) {
      const span = find(name)
      assert.deepEqual([span.service, span.traceId, span.parentSpanId], [service, place.traceId, parent.spanId], name)
    }
  })
})
