import { noTracer } from '../tracing/index.ts'
import type { OpenTracer } from '../tracing/open-tracer.ts'

/** Spans of this process, where `OTEL_EXPORTER_OTLP_ENDPOINT` (or that of traces alone) says where they go. */
export async function startTracing(service: string): Promise<OpenTracer> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: all, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: traces } = process.env
  if (!all && !traces) return { tracer: noTracer, stop: async () => {} }
  const { openTracer } = await import('../tracing/open-tracer.ts')
  return await openTracer(service)
}
