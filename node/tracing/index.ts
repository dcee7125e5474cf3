/**
 * Spans over a job's way through the market, for OpenTelemetry: `open-tracer.ts` makes the ones that are recorded. Here is
 * what the market needs of them; without a tracer they cost nothing.
 */

/** Facts of a span by name, such as `cortex.job`. */
export type Attributes = Record<string, string | number | boolean>

/** A part of a job's way, from its making to its end. */
export interface Span {
  /** As others are told (W3C Trace Context); empty where nothing is recorded. */
  readonly traceparent: string
  /** Begins a part of it. */
  child(name: string, attributes?: Attributes): Span
  /** Ends it; once. @param problem what went wrong; for people */
  end(attributes?: Attributes, problem?: string): void
}

/** Begins spans; see {@link noTracer}. */
export interface Tracer {
  /** @param parent a checked traceparent of this or another peer; empty begins a trace */
  start(name: string, parent: string, attributes?: Attributes): Span
}

const NO_SPAN: Span = { traceparent: '', child: () => NO_SPAN, end() {} }

/** Records nothing, at no cost: what a part has where nobody traces. */
export const noTracer: Tracer = { start: () => NO_SPAN }

/** A part of what another peer traces; nothing where it traces nothing. @param parent checked */
export function following(tracer: Tracer, name: string, parent: string, attributes: Attributes = {}): Span {
  return parent === '' ? NO_SPAN : tracer.start(name, parent, attributes)
}

/**
 * Runs a task within a span, which ends with it; what it throws is its problem.
 * @param told what the result adds to the span
 */
export async function within<T>(
  span: Span,
  task: () => Promise<T>,
  told: (result: T) => Attributes = () => ({}),
): Promise<T> {
  try {
    const result = await task()
    span.end(told(result))
    return result
  } catch (error) {
    span.end({}, error instanceof Error ? error.message : String(error))
    throw error
  }
}
