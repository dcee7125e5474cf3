/** W3C Trace Context, version 00: trace, span and whether it is recorded. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[01]$/

/** What a peer says of the trace that it is in; empty where it says nothing, or nothing that makes sense. */
export function readTraceparent(text: string): string {
  return TRACEPARENT.test(text) ? text : ''
}
