import type { Directory } from './directory/index.ts'
import type { Requester } from './market/index.ts'
import type { PeerNetwork } from './network/index.ts'
import type { Outputs } from './outputs/index.ts'
import type { Reach } from './reach/index.ts'
import type { JobStore } from './store/index.ts'
import type { Uploads } from './uploads/index.ts'
import type { Volumes } from './volumes/index.ts'

/** A peer that asks for jobs: what `cortex run` is, and what a gateway serves. */
export interface ClientNode {
  /** Which market it is on, and whether only those are who have its key. */
  readonly market: { name: string; isPrivate: boolean }
  readonly network: PeerNetwork
  readonly directory: Directory
  readonly store: JobStore
  readonly requester: Requester
  /** Into the containers of running jobs. */
  readonly reach: Reach
  /** What jobs left. */
  readonly outputs: Pick<Outputs, 'open' | 'forget'>
  /** What was given for jobs to bring. */
  readonly uploads: Uploads
  /** What outlives jobs at their providers. */
  readonly volumes: Volumes
  /** Ends in the reverse order of the start; jobs go on at their providers. */
  stop(): Promise<void>
}
