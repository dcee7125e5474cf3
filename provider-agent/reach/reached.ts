import type { Channel } from '../../node/network/index.ts'
import type { Lease } from '../lease/lease.ts'

/** What a stream's handler works with: a container that runs, and that is the requester's. */
export interface Reached {
  channel: Channel
  lease: Lease
  /** Of the container on the engine. */
  name: string
  /** Aborted before the container is removed or its end is told, or when the agent stops. */
  signal: AbortSignal
  /** Aborted earlier, once the container has ended: another may answer at its address, and nothing new goes there. */
  exited: AbortSignal
}
