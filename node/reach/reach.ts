import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { ReachHelloSchema, type ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_REACH_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { REACH_REFUSALS, type ReachRefusal, readReachReply } from '../../protocol/reach-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import { JobNotFoundError, JobStateError, type JobStore, type Lease } from '../store/index.ts'
import { openExecSession } from './exec-session.ts'
import { type ContainerView, type Reach, ReachError } from './index.ts'

/** How long a provider may take to let us in, in ms: it may have to dial a container that does not answer. */
const REPLY_MS = 20_000

/** What {@link createReach} works with. */
export interface ReachComponents {
  network: PeerNetwork
  store: Pick<JobStore, 'get'>
  clock: Clock
}

type HelloContent = NonNullable<MessageInitShape<typeof ReachHelloSchema>['content']>

/** Asks the store at each call which provider a job runs at. That one has 20 s to let this peer in. */
export function createReach({ network, store, clock }: ReachComponents): Reach {
  async function leaseOfRunning(jobId: string): Promise<Lease> {
    const job = await store.get(jobId)
    if (job === undefined) throw new JobNotFoundError(jobId)
    if (job.state.status !== 'running') throw new JobStateError(job.state.status, ['running'])
    return job.state.lease
  }

  async function enter(jobId: string, protocol: string, content: HelloContent, signal: AbortSignal) {
    return await openReach({ network, clock }, { jobId, lease: await leaseOfRunning(jobId), protocol, content, signal })
  }

  return {
    async tunnel(jobId, to, signal) {
      const { channel } = await enter(jobId, Protocol.tunnel, { case: 'tunnel', value: to }, signal)
      return channel
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

/**
 * Opens a stream to the provider of a lease, and waits to be let in.
 * @throws {ReachError}
 */
export async function openReach(
  { network, clock }: Pick<ReachComponents, 'network' | 'clock'>,
  to: {
    jobId: string
    lease: Pick<Lease, 'provider' | 'addresses' | 'fence'>
    protocol: string
    content: HelloContent
    signal: AbortSignal
  },
): Promise<{ channel: Channel; reply: ReachReply }> {
  const { jobId, protocol, content, signal } = to
  const { provider, addresses, fence } = to.lease
  const limit = deadline(clock, REPLY_MS, signal)
  let channel: Channel | null = null
  try {
    channel = await network.open(provider, protocol, { addresses, signal, maxMessageBytes: MAX_REACH_MESSAGE_BYTES })
    await channel.send(encode(ReachHelloSchema, { jobId, fence, content }))
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) throw new Error('The provider closed the stream')
    const reply = readReachReply(bytes)
    if (!reply.ok) throw refusalOf(reply)
    return { channel, reply }
  } catch (cause) {
    channel?.abort(cause instanceof Error ? cause : new Error(String(cause)))
    signal.throwIfAborted()
    if (cause instanceof ReachError) throw cause
    throw new ReachError('UNREACHABLE', 'The job’s provider cannot be reached: try again when it is back', { cause })
  } finally {
    limit.clear()
  }
}

function refusalOf({ code, message }: ReachReply): ReachError {
  const known = (REACH_REFUSALS as readonly string[]).includes(code)
  return new ReachError(known ? (code as ReachRefusal) : 'FAILED', message === '' ? 'The provider refuses' : message)
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
