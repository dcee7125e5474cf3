import { Gauge, type Metric, Registry } from 'prom-client'

/**
 * A registry for the gateway's metrics and libp2p's. libp2p has gauges whose names end as only a counter's may
 * (November 2026), which Prometheus's tool objects to: they go by the name without that.
 */
export class MetricsRegistry extends Registry {
  override registerMetric<T extends string>(metric: Metric<T>): void {
    if (metric instanceof Gauge) {
      const named = metric as unknown as { name: string }
      named.name = named.name.replace(/^(libp2p_.*)_total$/, '$1')
    }
    super.registerMetric(metric)
  }
}
