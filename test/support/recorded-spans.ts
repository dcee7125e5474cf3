import type { Attributes, Span, Tracer } from '../../node/tracing/index.ts'

export interface RecordedSpan {
  name: string
  /** Traceparent it was begun with. */
  parent: string
  traceparent: string
  attributes: Attributes
  ended: boolean
}

/** A tracer that keeps what it is told. */
export function recordSpans(): { tracer: Tracer; spans: RecordedSpan[] } {
  const spans: RecordedSpan[] = []
  const start = (name: string, parent: string, attributes: Attributes = {}): Span => {
    const number = (spans.length + 1).toString(16)
    const traceId = parent === '' ? number.padStart(32, 'a') : parent.split('-')[1]
    const traceparent = `00-${traceId}-${number.padStart(16, 'b')}-01`
    const recorded = { name, parent, traceparent, attributes, ended: false }
    spans.push(recorded)
    return {
      traceparent,
      child: (childName, childAttributes) => start(childName, traceparent, childAttributes),
      end(more = {}) {
        recorded.ended = true
        Object.assign(recorded.attributes, more)
      },
    }
  }
  return { tracer: { start }, spans }
}
