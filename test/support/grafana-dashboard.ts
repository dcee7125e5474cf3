import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const FILE = join(import.meta.dirname, '../../docs/grafana-dashboard.json')

/** Names of the metrics that the dashboard's panels and variables ask for, each once. */
export function dashboardMetrics(): string[] {
  const { panels, templating } = JSON.parse(readFileSync(FILE, 'utf8')) as {
    panels: { targets?: { expr: string }[] }[]
    templating: { list: { query?: string | { query: string } }[] }
  }
  const queries = templating.list.map(({ query }) => (typeof query === 'object' ? query.query : ''))
  const asked = [...panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)), ...queries]
  return [...new Set(asked.flatMap((text) => text.match(/\b(?:cortex|libp2p)_[a-z0-9_]+/g) ?? []))]
}
