import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createGateway } from '../../gateway/index.ts'
import { MetricsRegistry } from '../../gateway/metrics/registry.ts'
import { startClientNode } from '../../node/client-node.ts'
import { silentLogger } from '../../node/logger.ts'
import type { Schema } from './schema-table.ts'

/** An operation of the document. */
export interface Operation {
  operationId: string
  tags: [string]
  summary: string
  description?: string
  'x-permission'?: string
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema: Schema }[]
  requestBody?: { required?: boolean; content: Record<string, { schema: Schema; example?: unknown }> }
  responses: Record<string, { description: string; content?: Record<string, { schema?: Schema; example?: unknown }> }>
}

/** What of an OpenAPI document the reference is made of. */
export interface ApiDocument {
  info: { description: string }
  tags: { name: string; description: string }[]
  paths: Record<string, Record<string, Operation>>
  webhooks: Record<string, { post: Operation }>
  components: { schemas: Record<string, Schema> }
}

/** One metric, as the registry has it. */
export interface MetricText {
  name: string
  help: string
  type: string
  labels: string[]
}

/** What a gateway says of itself: its API's document and its metrics. One is started for that, without a network. */
export async function readGateway(): Promise<{ document: ApiDocument; metrics: MetricText[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-reference-'))
  const registry = new MetricsRegistry()
  const listen = ['/ip4/127.0.0.1/tcp/0']
  const node = await startClientNode(
    { logger: silentLogger, registry },
    { dataFolder: folder, networkName: 'main', listen, bootstrap: [], mdns: false },
  )
  const gateway = createGateway({ node, logger: silentLogger, registry }, { folder, port: 0 })
  try {
    await gateway.start()
    const answer = await fetch(`${gateway.url()}/api/v1/openapi.json`)
    return { document: (await answer.json()) as ApiDocument, metrics: metricsOf(registry) }
  } finally {
    await gateway.stop()
    await node.stop()
    await rm(folder, { recursive: true })
  }
}

/** In the library's metrics the names of labels are there, and not in its types. */
function metricsOf(registry: MetricsRegistry): MetricText[] {
  return registry.getMetricsAsArray().map((metric) => {
    const { labelNames = [] } = metric as unknown as { labelNames?: string[] }
    const { name, help, type } = metric as unknown as { name: string; help: string; type: string }
    return { name, help, type, labels: labelNames }
  })
}
