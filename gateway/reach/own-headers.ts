/** What a container's answer may not say, whichever way it goes: the gateway says it itself, or it holds beyond the answer. */
const NOT_ITS_TO_SAY = new Set([
  'alt-svc',
  // It clears the cookies of every name below the same domain, the gateway's among them.
  'clear-site-data',
  'idempotency-replayed',
  'nel',
  'report-to',
  'reporting-endpoints',
  'strict-transport-security',
  'x-accel-buffering',
  'x-request-id',
])
const NOT_ITS_TO_SAY_OF = ['x-ratelimit-', 'ratelimit', 'x-cortex-']

/** Besides: what it may not say under the gateway's own origin. */
const NOT_HERE = new Set(['content-security-policy-report-only', 'refresh', 'service-worker-allowed', 'set-cookie'])
const NOT_HERE_OF = ['access-control-']

/** Takes out what every container's answer may not say. */
export function takeOutOwn(headers: Headers): void {
  takeOut(headers, NOT_ITS_TO_SAY, NOT_ITS_TO_SAY_OF)
}

/** Takes out what no answer may say at the gateway's own address. */
export function takeOutAtGateway(headers: Headers): void {
  takeOutOwn(headers)
  takeOut(headers, NOT_HERE, NOT_HERE_OF)
}

function takeOut(headers: Headers, names: ReadonlySet<string>, beginnings: readonly string[]): void {
  for (const name of [...headers.keys()]) {
    if (names.has(name) || beginnings.some((beginning) => name.startsWith(beginning))) headers.delete(name)
  }
}
