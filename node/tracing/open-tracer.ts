import type { Span as OtelSpan } from '@opentelemetry/api'
import type { Attributes, Span, Tracer } from './index.ts'

/** A tracer and its connection to a collector. */
export interface OpenTracer {
  tracer: Tracer
  /** Sends what was not sent yet, for some seconds at most. */
  stop(): Promise<void>
}

/** How long the last spans may take to be sent, in ms: a collector that is away holds up no end. */
const STOP_MS = 3_000

/**
 * Sends spans to an OpenTelemetry collector over HTTP; where and how the `OTEL_EXPORTER_OTLP_…` variables say. Its packages
 * are loaded here, so that who traces nothing pays nothing.
 *
 * @param service what this process is, e.g. `cortex-agent`
 */
export async function openTracer(service: string): Promise<OpenTracer> {
  const [api, sdk, { OTLPTraceExporter }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ])
  const { context, ROOT_CONTEXT, SpanStatusCode, trace } = api
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': service }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: new OTLPTraceExporter({ timeoutMillis: STOP_MS }) })],
  })
  const tracer = provider.getTracer('cortex-node')

  const spanOf = (span: OtelSpan): Span => {
    const { traceId, spanId, traceFlags } = span.spanContext()
    const traceparent = `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`
    return {
      traceparent,
      child: (name, attributes = {}) => start(name, traceparent, attributes),
      end(attributes = {}, problem) {
        span.setAttributes(attributes)
        if (problem !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: problem })
        span.end()
      },
    }
  }

  const start = (name: string, parent: string, attributes: Attributes = {}): Span => {
    const [, traceId = '', spanId = '', flags = '0'] = parent.split('-')
    const within =
      parent === ''
        ? ROOT_CONTEXT
        : trace.setSpanContext(context.active(), {
            traceId,
            spanId,
            traceFlags: Number.parseInt(flags, 16),
            isRemote: true,
          })
    return spanOf(tracer.startSpan(name, { attributes }, within))
  }

  return {
    tracer: { start },
    async stop() {
      // A collector that cannot be reached is no reason to end otherwise.
      await provider.shutdown().catch(() => undefined)
    },
  }
}
