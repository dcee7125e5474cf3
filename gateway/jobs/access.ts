import type { BillRecord, JobRecord, JobStore } from '../../node/store/index.ts'
import { JobNotFoundError } from '../../node/store/index.ts'
import { isJobId } from '../../protocol/ids.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import { sees } from '../http/principal.ts'

/** The job with this id, where whoever asks may see it. @throws {JobNotFoundError} also for another owner's */
export async function visibleJob(c: GatewayContext, store: Pick<JobStore, 'get'>, id: string): Promise<JobRecord> {
  const job = isJobId(id) ? await store.get(id) : undefined
  if (job === undefined || !sees(principalOf(c), job.owner)) throw new JobNotFoundError(id)
  return job
}

/** The same, or what stays of it where it went with its age. @throws {JobNotFoundError} also for another owner's */
export async function visibleBill(
  c: GatewayContext,
  store: Pick<JobStore, 'get' | 'bill'>,
  id: string,
): Promise<BillRecord> {
  const bill = isJobId(id) ? ((await store.get(id)) ?? (await store.bill(id))) : undefined
  if (bill === undefined || !sees(principalOf(c), bill.owner)) throw new JobNotFoundError(id)
  return bill
}
