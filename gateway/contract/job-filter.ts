/** Which jobs belong in a list: the gateway answers by these rules, and pages keep a list up to date by them. */
import { ANY_PROVIDER } from './job-defaults.ts'

/** The longest text that is looked for, in characters. */
export const MAX_QUERY_TEXT = 200

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
  /** Id of the batch it came from. */
  batch?: string | undefined
  /** Each must be there with this value. */
  labels?: Readonly<Record<string, string>> | undefined
}

/** Whether a job, as the API shows it, is one of those that a list is asked for. */
export function matchesJob(job: Filtered, { status, name, q, provider, batch, labels = {} }: JobMatch): boolean {
  return (
    (status === undefined || (job.status !== undefined && status.includes(job.status))) &&
    (name === undefined || job.name === name) &&
    (q === undefined || jobText(job).includes(q.toLowerCase())) &&
    (provider === undefined || (provider === ANY_PROVIDER ? job.provider : job.assignedProvider) === provider) &&
    (batch === undefined || job.origin?.batch === batch) &&
    Object.entries(labels).every(([name, value]) => job.labels?.[name] === value)
  )
}
