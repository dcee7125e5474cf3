import { breathe } from '../../turns.ts'
import type { BillRecord, JobRecord, Lease } from '../records.ts'
import type { Tables } from '../tables.ts'

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

/** Bills within a range of keys, of one owner or of all. Those of others are passed over as text, which is most of the work. */
export async function* readBills(
  tables: Pick<Tables, 'bills'>,
  range: { gt?: string; gte?: string; lt?: string; lte?: string },
  owner: string | undefined,
): AsyncGenerator<BillRecord> {
  const mark = owner === undefined ? '' : `"owner":${JSON.stringify(owner)}`
  for await (const text of tables.bills.values<string, string>({ ...range, valueEncoding: 'utf8' })) {
    await breathe()
    if (!text.includes(mark)) continue
    const bill = JSON.parse(text) as BillRecord
    if (owner === undefined || bill.owner === owner) yield bill
  }
}

/** Where it was reached is of no use any more. */
function withoutReach({ endpoints: _endpoints, health: _health, ...lease }: Lease): Lease {
  return { ...lease, addresses: [] }
}
