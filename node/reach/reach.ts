import type { ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { Protocol } from '../../protocol/topics.ts'
import type { Clock } from '../clock.ts'
import type { PeerNetwork } from '../network/index.ts'
import { JobNotFoundError, JobStateError, type JobStore, type Lease } from '../store/index.ts'
import { openExecSession } from './exec-session.ts'
import { type ContainerView, type Reach, ReachError } from './index.ts'
import { createJobFiles } from './job-files.ts'
import { type Enter, openReach, openReachAtOnce } from './open-reach.ts'
import { createStreamsAhead } from './streams-ahead.ts'

/** What {@link createReach} works with. */
export interface ReachComponents {
  network: PeerNetwork
  store: Pick<JobStore, 'get'>
  clock: Clock
}

/** Asks the store at each call which provider a job runs at. That one has 20 s to let this peer in. */
export function createReach({ network, store, clock }: ReachComponents): Reach {
  const ahead = createStreamsAhead(network)

  async function leaseOfRunning(jobId: string): Promise<Lease> {
    const job = await store.get(jobId)
    if (job === undefined) throw new JobNotFoundError(jobId)
    if (job.state.status !== 'running') throw new JobStateError(job.state.status, ['running'])
    return job.state.lease
  }

  const enter: Enter = async (jobId, protocol, content, signal, replyMs) => {
    const lease = await leaseOfRunning(jobId)
    const to = { jobId, lease, protocol, content, signal, ...(replyMs === undefined ? {} : { replyMs }) }
    return await openReach({ network, clock }, to)
  }

  return {
    files: createJobFiles(
      async (jobId, files, signal, replyMs) =>
        await enter(jobId, Protocol.files, { case: 'files', value: files }, signal, replyMs),
    ),

    async tunnel(jobId, to, signal) {
      const { channel } = await enter(jobId, Protocol.tunnel, { case: 'tunnel', value: to }, signal)
      return channel
    },

    async tunnelAtOnce(jobId, to, signal) {
      const lease = await leaseOfRunning(jobId)
      const content = { case: 'tunnel', value: to } as const
      return await openReachAtOnce(
        { network: ahead, clock },
        { jobId, lease, protocol: Protocol.tunnel, content, signal },
      )
    },

    async exec(jobId, request, signal) {
      const { channel } = await enter(jobId, Protocol.exec, { case: 'exec', value: request }, signal)
      return openExecSession(channel)
    },

    async inspect(jobId, signal) {
      const { channel, reply } = await enter(jobId, Protocol.exec, { case: 'inspect', value: {} }, signal)
      await channel.close()
      return viewOf(reply)
    },
  }
}

function viewOf({ container }: ReachReply): ContainerView {
  if (container === undefined) throw new ReachError('FAILED', 'The provider says nothing of the container')
  const { usage } = container
  return {
    startedAtMs: Number(container.startedAtMs),
    imageDigest: container.imageDigest,
    processes: container.processes.map(({ pid, user, command }) => ({ pid, user, command })),
    usage: {
      memoryBytes: Number(usage?.memoryBytes ?? 0n),
      memoryLimitBytes: Number(usage?.memoryLimitBytes ?? 0n),
      processes: usage?.processes ?? 0,
      rxBytes: Number(usage?.rxBytes ?? 0n),
      txBytes: Number(usage?.txBytes ?? 0n),
    },
    mounts: container.mounts.map(({ path, name, readOnly }) => ({ path, name, readOnly })),
    networks: container.networks.map(({ address, gateway }) => ({ address, gateway })),
  }
}
