import type { JobStore } from '../../store/index.ts'
import { type JobOutput, leftOutEvent, notHere } from '../index.ts'

/**
 * Writes down with a job what became of its output.
 * @param told how many of what was left out the job's events know already
 */
export type NoteOutput = (jobId: string, output: JobOutput, told: number) => Promise<void>

/** With the jobs of this store; what was left out, or waits for room, becomes an event where it is news. */
export function noteIn(store: Pick<JobStore, 'change'>): NoteOutput {
  return async (jobId, output, told) => {
    await store.change(jobId, (draft) => {
      const isNewlyHeld = output.state === 'held' && draft.job.output?.state !== 'held'
      const { sent } = draft.job.output ?? {}
      draft.patch({ output: { ...output, ...(sent !== undefined && { sent }) } })
      if (isNewlyHeld) draft.event('left-out', leftOutEvent(notHere(draft.job.spec.outputs, output)))
      const news = output.leftOut?.slice(told) ?? []
      if (news.length > 0) draft.event('left-out', leftOutEvent(news))
    })
  }
}
