import { isTerminal } from '../../../protocol/lifecycle.ts'
import type { Found, Problem } from '../../upkeep/problem.ts'
import type { DumpRecord } from '../dump.ts'
import type { JobRecord } from '../records.ts'
import type { SecretBox } from '../secret-box.ts'
import { ownKey } from './raw-table.ts'

/** Problems that are kept until it is known whether any of the secrets opens. */
const MOST_KEPT = 10_000

/** Opens sealed secrets, one after the other. */
export interface SecretsCheck {
  look(job: JobRecord, record: DumpRecord): Promise<void>
  end(): Promise<void>
}

/** What to do where nothing opens. */
export const OTHER_KEY =
  'give the CORTEX_MASTER_KEY that the gateway was started with, or put back master.key from a backup'

/**
 * Where none opens, the key is another one, and nothing is wrong with the secrets. Those of jobs that have not ended stay in
 * any case: without them the job would run as somebody did not ask for.
 */
export function createSecretsCheck(secretBox: Pick<SecretBox, 'open'>, found: Found): SecretsCheck {
  let opened = 0
  const closed: Problem[] = []

  return {
    async look(job, record) {
      const [, value] = record
      try {
        JSON.parse(secretBox.open(ownKey(record), value.toString('utf8')))
        opened += 1
      } catch {
        if (closed.length >= MOST_KEPT) return
        const isOver = isTerminal(job.state.status)
        closed.push({
          ...{ kind: 'do not open', which: job.id },
          remedy: isOver ? null : `${OTHER_KEY}; where it is lost, cancel the job and submit it anew`,
          mend: isOver ? { how: 'set aside', aside: [record] } : null,
        })
      }
    },
    async end() {
      for (const problem of closed) await found(opened > 0 ? problem : { ...problem, remedy: OTHER_KEY, mend: null })
    },
  }
}
