import { code, pageOf, type ReferencePage, table } from './markdown.ts'
import type { MetricText } from './read-gateway.ts'

/** Of libraries, whose own documents say what each of them is. */
const OF_LIBRARIES = /^(?:cortex_(?:process|nodejs)_|libp2p_|nodejs_)/
const FRONT = 'cortex_tls_'

/** What a gateway tells Prometheus. */
export function metricsPage(metrics: MetricText[]): ReferencePage {
  const own = metrics.filter(({ name }) => !OF_LIBRARIES.test(name) && !name.startsWith(FRONT))
  const rows = own
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .map(({ name, help, type, labels }) => [code(name), type, labels.map(code).join(', '), `${help}.`])
  return pageOf('reference/metrics.md', 'Metrics', 'the registry of a running gateway', [
    '`GET /metrics` of a gateway, in the form of Prometheus; who may read it, and a Grafana dashboard over it, are in [monitoring](../monitoring.md). A histogram has `_bucket`, `_sum` and `_count` behind its name.',
    table(['metric', 'type', 'labels', 'meaning'], rows),
    'A gateway that serves HTTPS has `cortex_tls_certificate_expiry_timestamp_seconds` as well: when its certificate ends, in seconds since 1970. Names that begin with `cortex_process_` and `cortex_nodejs_` are those of [prom-client](https://github.com/siimon/prom-client), those with `libp2p_` and `nodejs_` those of [libp2p](https://github.com/libp2p/js-libp2p/tree/main/packages/metrics-prometheus): connections, streams, bytes and the like.',
  ])
}
