/** What somebody did to a market under test, as far as it explains what its parts did then. Times are the test's own. */

export type Befallen = OwnersAct | Disturbance

/** The owner of a machine ended a job's container behind its agent's back. */
export interface OwnersAct {
  what: 'owner'
  jobId: string
  fence: number
  /** e.g. `docker rm -f`. */
  act: string
  atMs: number
}

/** A part was not at work, or not heard; `machine` is the one that all of them run on. */
export interface Disturbance {
  what: 'agent' | 'engine' | 'requester' | 'link' | 'machine'
  /** Peer id of the provider; null where it befell others, too. */
  provider: string | null
  fromMs: number
  toMs: number
}
