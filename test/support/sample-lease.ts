import type { Lease } from '../../node/store/index.ts'

/** A lease of which only some fields matter to a test. */
export function sampleLease(fields: Partial<Lease> = {}): Lease {
  return {
    provider: 'p1',
    addresses: [],
    fence: 1,
    requestId: '00',
    bidId: '00',
    requirementsDigest: '00',
    pricePerHour: '1000',
    awardedAt: { wallMs: 1, sinceBoot: null },
    bidValidMs: 5_000,
    acceptedAtMs: 1,
    lastReport: 0,
    meteredMs: 0,
    lastContactMs: 1,
    imageDigest: null,
    settled: false,
    receipt: null,
    ...fields,
  }
}
