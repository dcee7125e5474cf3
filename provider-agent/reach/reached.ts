import type { Channel } from '../../node/network/index.ts'
import type { Lease } from '../lease/lease.ts'

/** What a stream's handler works with: a container that runs, and that is the requester's. */
export interface Reached {
  channel: Channel
  lease: Lease
  /** Of the container on the engine. */
  name: string
  /** Aborted when the container has ended, or the agent stops. */
  signal: AbortSignal
}
