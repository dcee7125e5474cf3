/**
 * The life of a job: which states there are, which edges are legal, who may cause each and why.
 * Nothing else in the program knows an edge.
 */

/** States of a job, in the words of the API. The last three are final: no edge leaves them. */
export const JobStatus = {
  pending: 'pending',
  scheduled: 'scheduled',
  running: 'running',
  completed: 'completed',
  failed: 'failed',
  cancelled: 'cancelled',
} as const
/** One of {@link JobStatus}. */
export type JobStatus = (typeof JobStatus)[keyof typeof JobStatus]

/** In the order of a life. Stored indexes count by place in it, so that it is append-only. */
export const JOB_STATUSES = Object.values(JobStatus)

/** Who may cause a transition: the peer that asked for the job, its provider's report, or the user. */
export type Cause = 'requester' | 'provider' | 'user'

interface Edge {
  from: JobStatus
  to: JobStatus
  by: readonly Cause[]
  why: string
}

const EDGES: readonly Edge[] = [
  {
    from: 'pending',
    to: 'scheduled',
    by: ['provider'],
    why: 'a provider accepted the award and holds the capacity, or one that was lost came back',
  },
  {
    from: 'pending',
    to: 'running',
    by: ['provider'],
    why: 'a provider that was lost came back before the job was given to another',
  },
  { from: 'pending', to: 'failed', by: ['requester'], why: 'nobody could or would take it before queueTimeout' },
  { from: 'pending', to: 'cancelled', by: ['user'], why: 'cancelled before it was placed' },
  { from: 'scheduled', to: 'running', by: ['provider'], why: 'the container has started' },
  {
    from: 'scheduled',
    to: 'pending',
    by: ['requester', 'provider'],
    why: 'the provider was lost or refused; attempts remain',
  },
  {
    from: 'scheduled',
    to: 'failed',
    by: ['requester', 'provider'],
    why: 'image pull, limits, or provider lost and no attempts left',
  },
  { from: 'scheduled', to: 'cancelled', by: ['user'], why: 'cancelled before its container started' },
  { from: 'running', to: 'completed', by: ['provider'], why: 'exit code 0' },
  { from: 'running', to: 'pending', by: ['requester', 'provider'], why: 'the provider was lost; attempts remain' },
  {
    from: 'running',
    to: 'failed',
    by: ['requester', 'provider'],
    why: 'limits, non-zero exit, or provider lost and no attempts left',
  },
  { from: 'running', to: 'cancelled', by: ['user'], why: 'cancelled while it ran' },
]

const LEGAL: ReadonlyMap<string, Edge> = new Map(EDGES.map((edge) => [`${edge.from}>${edge.to}`, edge]))

/** Whether a job in this state is over for good. */
export function isTerminal(status: JobStatus): status is 'completed' | 'failed' | 'cancelled' {
  return !EDGES.some((edge) => edge.from === status)
}

/** Whether the table has such an edge, whoever causes it. */
export function canTransition(from: JobStatus, to: JobStatus): boolean {
  return LEGAL.has(`${from}>${to}`)
}

/** @throws {IllegalTransitionError} where the table has no such edge, or `by` may not cause it. */
export function assertTransition(from: JobStatus, to: JobStatus, by: Cause): void {
  const edge = LEGAL.get(`${from}>${to}`)
  if (edge === undefined || !edge.by.includes(by)) throw new IllegalTransitionError(from, to, by)
}

/** A bug in the caller, never a user's fault: a job cannot go from `from` to `to` because of `by`. */
export class IllegalTransitionError extends Error {
  override readonly name = 'IllegalTransitionError'
  readonly code = 'ILLEGAL_TRANSITION'
  readonly details: { from: JobStatus; to: JobStatus; by: Cause }

  constructor(from: JobStatus, to: JobStatus, by: Cause) {
    super(`A job cannot go from ${from} to ${to} because of the ${by}`)
    this.details = { from, to, by }
  }
}

/** What can be recorded of a job, in the words of the API. Append-only. */
export const JOB_EVENT_TYPES = [
  'created',
  'bidding',
  'scheduled',
  'pulling',
  'started',
  'extended',
  'expired',
  'lost',
  'completed',
  'failed',
  'cancelled',
  'regained',
  // At the end of a job with outputs, where something of them was not kept.
  'left-out',
  // At the end of a job of whose log lines are missing.
  'log-cut',
  // While what the job brings comes to its provider.
  'transferring',
] as const
/** One of {@link JOB_EVENT_TYPES}. */
export type JobEventType = (typeof JOB_EVENT_TYPES)[number]
