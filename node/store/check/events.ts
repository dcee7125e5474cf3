import { isTerminal } from '../../../protocol/lifecycle.ts'
import type { Found } from '../../upkeep/problem.ts'
import type { Database } from '../database.ts'
import type { DumpRecord } from '../dump.ts'
import type { JobRecord } from '../records.ts'
import { formed, JOB_FORMS } from './forms.ts'
import { ownKey } from './raw-table.ts'

/** Under which name the store remembers which events of a job are lost, so that it is said once. */
export function lostMark(jobId: string): string {
  return `lost events ${jobId}`
}

/** Looks at the events of one job after the other. */
export interface EventCheck {
  begin(job: JobRecord | null): void
  event(record: DumpRecord): Promise<void>
  /** All of the job's were there. */
  end(): Promise<void>
}

/** Events of a job are 1 to its `lastEvent` without gap, but for the oldest, which go with their age. */
export function createEventCheck(database: Database, found: Found): EventCheck {
  let job: JobRecord | null = null
  let last = 0
  let gaps: string[] = []

  const note = (from: number, to: number): void => void gaps.push(from === to ? `${from}` : `${from}-${to}`)

  return {
    begin(next) {
      job = next
      last = 0
      gaps = []
    },
    async event(record) {
      const event = formed(JOB_FORMS.event, record)
      if (event === null || event.seq !== Number(ownKey(record).split('!')[1])) {
        const mend = { how: 'set aside', aside: [record] }
        await found({ kind: 'cannot be read', which: ownKey(record), remedy: null, mend })
        return
      }
      if (last !== 0 && event.seq > last + 1) note(last + 1, event.seq - 1)
      last = event.seq
    },
    async end() {
      if (job === null) return
      const { id, lastEvent, state } = job
      if (last > lastEvent) {
        await found({
          ...{ kind: 'newer than their job', which: id, remedy: null },
          mend: {
            how: 'the job says what is there; what else is older in it stays',
            writes: [{ key: `!jobs!${id}`, value: JSON.stringify({ ...job, lastEvent: last }) }],
          },
        })
      }
      if (last < lastEvent && (last !== 0 || !isTerminal(state.status))) note(last + 1, lastEvent)
      if (gaps.length === 0) return
      const text = gaps.join(', ')
      if ((await database.get(`!meta!${lostMark(id)}`)) === text) return
      await found({
        ...{ kind: 'missing', which: `${id} (${text})`, remedy: null },
        mend: { how: 'noted as lost', writes: [{ key: `!meta!${lostMark(id)}`, value: text }] },
      })
    },
  }
}
