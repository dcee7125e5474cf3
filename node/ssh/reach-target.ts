import { streamOf } from '../network/channel-stream.ts'
import type { Reach } from '../reach/index.ts'
import type { SshTarget } from './index.ts'

/** A job that is led to. */
export interface JobTarget extends SshTarget {
  /** Its id. @throws {SshRefusedError} where there is none any more */
  jobId(): Promise<string>
}

/** A job as this peer's own requester reaches it. @param jobId asked each time: a connection may be there for days */
export function reachTarget(reach: Pick<Reach, 'exec' | 'tunnel'>, jobId: () => Promise<string>): JobTarget {
  return {
    jobId,
    exec: async (request, signal) => await reach.exec(await jobId(), request, signal),
    tunnel: async (port, signal) => streamOf(await reach.tunnel(await jobId(), { port, protocol: 'TCP' }, signal)),
  }
}
