import { opendir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { isJobId } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { JobRecord } from '../store/records.ts'
import type { Found, LookedAt, Mend, Problem } from '../upkeep/problem.ts'
import { isToCome, type JobOutput } from './index.ts'

/** What {@link createOutputsCheck} works with. */
export interface OutputsCheckComponents {
  /** Of outputs. */
  folder: string
  jobOf(id: string): Promise<JobRecord | undefined>
  found: Found
  looked(lookedAt: LookedAt): void
}

const WHAT = 'outputs'

/** Holds what jobs say of their outputs against the files. */
export interface OutputsCheck {
  /** To be told of each job. */
  job(job: JobRecord): Promise<void>
  /** Looks for files of no job. */
  files(): Promise<void>
}

/** Of the outputs that are kept, and of those that are on their way. */
export function createOutputsCheck({ folder, jobOf, found, looked }: OutputsCheckComponents): OutputsCheck {
  return {
    async job(job) {
      const { output, id } = job
      if (output?.state !== 'kept') return
      looked({ what: WHAT, count: 1 })
      const path = join(folder, `${id}.tar`)
      const size = await sizeOf(path)
      if (size === output.bytes) return
      const isThere = size !== null
      const message = isThere
        ? `The outputs were damaged on the disk of the gateway: ${size} of ${output.bytes} bytes were left`
        : 'The outputs are no longer on the disk of the gateway'
      const kind = isThere ? 'of another size than their job says' : 'not on the disk'
      await found(lost(job, { ...output, state: 'lost', bytes: 0, message }, kind, isThere ? path : null))
    },
    async files() {
      for await (const name of namesIn(folder)) {
        const path = join(folder, name)
        const [, jobId = '', kind = ''] = /^(.+)\.(tar|part|expected)$/.exec(name) ?? []
        const job = isJobId(jobId) ? await jobOf(jobId) : undefined
        if (kind === '' || job === undefined) {
          await found({ kind: 'of no job', which: name, state: 'warn', remedy: null, mend: moved(path) })
        } else if (kind !== 'tar' && isOver(job)) {
          const mend = { how: 'removed', act: async () => await rm(path, { force: true }) }
          await found({ kind: 'left over, nothing more comes', which: name, state: 'warn', remedy: null, mend })
        } else if (kind === 'tar' && isOver(job) && job.output?.state !== 'kept') {
          await found({
            kind: 'that their job does not have',
            which: name,
            state: 'warn',
            remedy: null,
            mend: moved(path),
          })
        }
      }
    },
  }
}

function lost(job: JobRecord, output: JobOutput, kind: string, path: string | null): Problem {
  const mend: Mend = {
    how: path === null ? 'the job says that it is lost' : 'set aside, and the job says that it is lost',
    writes: [{ key: `!jobs!${job.id}`, value: JSON.stringify({ ...job, output }) }],
    async act(aside) {
      if (path !== null) await aside.file(path)
    },
  }
  return { kind, which: job.id, remedy: null, mend }
}

function moved(path: string): Mend {
  return { how: 'set aside', act: async (aside) => await aside.file(path) }
}

/** Whether nothing of its output is still to come. */
function isOver({ state, output }: JobRecord): boolean {
  return isTerminal(state.status) && !isToCome(output)
}

async function sizeOf(path: string): Promise<number | null> {
  return (await stat(path).catch(() => null))?.size ?? null // not there
}

async function* namesIn(folder: string): AsyncGenerator<string> {
  try {
    // What is no file is nobody's output, such as the `lost+found` of a disk of its own.
    for await (const entry of await opendir(folder)) if (entry.isFile()) yield entry.name
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}
