import { streamOf } from '../network/channel-stream.ts'
import type { Reach } from '../reach/index.ts'
import type { SshTarget } from './index.ts'

/** A job as this peer's own requester reaches it. @param jobId asked each time: a connection may be there for days */
export function reachTarget(reach: Pick<Reach, 'exec' | 'tunnel'>, jobId: () => Promise<string>): SshTarget {
  return {
    exec: async (request, signal) => await reach.exec(await jobId(), request, signal),
    tunnel: async (port, signal) => streamOf(await reach.tunnel(await jobId(), { port, protocol: 'TCP' }, signal)),
  }
}
