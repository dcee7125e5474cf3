import { volumeBytes, volumeIdOf } from '../../protocol/job-volumes.ts'
import type { Clock } from '../clock.ts'
import type { VolumeRecord } from '../store/index.ts'
import type { Volumes } from './index.ts'
import type { Refreshing } from './refreshing.ts'
import { volumesOf } from './users.ts'
import { accountFor, taken, userOf } from './volume-account.ts'

/** What a provider's acceptance of a job means for volumes: those that it takes up are had, those that it leaves are there. */
export function createNoting(
  { clock }: { clock: Clock },
  records: ReadonlyMap<string, VolumeRecord>,
  { keep, change, leave }: Pick<Refreshing, 'keep' | 'change' | 'leave'>,
): Volumes['note'] {
  return async (job, award) => {
    const { id: jobId, owner, spec } = job
    const { provider, addresses } = award
    const user = userOf(jobId, award)
    for (const id of volumesOf(job, provider)) {
      await leave(id)
      await change(id, (now) => {
        return now.account === undefined ? now : { ...now, account: taken(clock, now.account, user) }
      })
    }
    for (const { name, keep: keepSeconds, ...volume } of spec.volumes) {
      if (name === undefined || keepSeconds === undefined) continue
      const id = volumeIdOf(jobId, provider, name)
      const before = records.get(id)
      await keep({
        ...{ id, owner, provider, addresses, jobId, name },
        ...accountFor(clock, user, award, keepSeconds, before?.account),
        sizeBytes: volumeBytes(volume),
        keepSeconds: before?.keepSeconds ?? keepSeconds,
        createdAtMs: before?.createdAtMs ?? clock.nowMs(),
        ...{ state: 'kept', inUse: true, draining: false, expiresAtMs: null, endedAtMs: null },
      })
    }
  }
}
