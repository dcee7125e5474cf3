/** Which jobs belong in a list: the gateway answers by these rules, and pages keep a list up to date by them. */
import { ANY_PROVIDER } from './job-defaults.ts'

/** The longest text that is looked for, in characters. */
export const MAX_QUERY_TEXT = 200

/** In place of a batch's id: only jobs that came from none. */
export const NO_BATCH = 'none'

interface Searched {
  id: string
  name?: string | null | undefined
  image?: string | undefined
  command?: readonly string[] | undefined
  args?: readonly string[] | undefined
  labels?: Readonly<Record<string, string>> | undefined
}

/** What a search for text looks through, in small letters. */
export function jobText({ id, name, image = '', command = [], args = [], labels = {} }: Searched): string {
  return [id, name ?? '', image, ...command, ...args, ...Object.entries(labels).flat()].join('\n').toLowerCase()
}

interface Filtered extends Searched {
  status?: string | undefined
  owner?: string | undefined
  provider?: string | undefined
  assignedProvider?: string | null | undefined
  origin?: Readonly<Record<string, string>> | undefined
}

/** What is asked of jobs in a list; what is absent matches all. A job belongs in it where everything matches. */
export interface JobMatch {
  /** Any of these. */
  status?: readonly string[] | undefined
  /** Exactly this one. */
  name?: string | undefined
  /** Looked for in {@link jobText}, large and small letters alike. */
  q?: string | undefined
  /** A provider's id (who holds the lease), or `p2p` (what was asked for). */
  provider?: string | undefined
  /** Whose it is. */
  owner?: string | undefined
  /** Id of the batch it came from, or {@link NO_BATCH}. */
  batch?: string | undefined
  /** Each must be there with this value. */
  labels?: Readonly<Record<string, string>> | undefined
}

/** Whether a job, as the API shows it, is one of those that a list is asked for. */
export function matchesJob(job: Filtered, match: JobMatch): boolean {
  const { status, name, q, provider, owner, batch, labels = {} } = match
  return (
    (status === undefined || (job.status !== undefined && status.includes(job.status))) &&
    (name === undefined || job.name === name) &&
    (q === undefined || jobText(job).includes(q.toLowerCase())) &&
    (provider === undefined || (provider === ANY_PROVIDER ? job.provider : job.assignedProvider) === provider) &&
    (owner === undefined || job.owner === owner) &&
    (batch === undefined || (job.origin?.batch ?? NO_BATCH) === batch) &&
    Object.entries(labels).every(([name, value]) => job.labels?.[name] === value)
  )
}
