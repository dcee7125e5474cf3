import type { BillRecord, JobRecord, Lease } from '../records.ts'

/** What of a job stays when it goes: all that its costs and receipts are read from. */
export function billOf(job: JobRecord): BillRecord {
  const { id, owner, createdAtMs, created, attempt, durationSeconds, state, pastLeases, origin, spec } = job
  const { image, labels, stopGraceSeconds, network, maxNetwork } = spec
  return {
    ...{ id, owner, createdAtMs, attempt, durationSeconds, pastLeases, origin },
    ...(created === undefined ? {} : { created }),
    spec: {
      ...{ image, labels, stopGraceSeconds, network },
      ...(maxNetwork === undefined ? {} : { maxNetwork }),
    },
    state: 'lease' in state && state.lease !== null ? { ...state, lease: withoutReach(state.lease) } : state,
  }
}

/** Where it was reached is of no use any more. */
function withoutReach({ endpoints: _endpoints, health: _health, ...lease }: Lease): Lease {
  return { ...lease, addresses: [] }
}
