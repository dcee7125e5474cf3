/**
 * Where requesters reach into their containers: ports, commands, a look, what was left. Only the peer that holds the
 * lease is heard, by the name that its connection proved; see docs/decisions/0021-reaching-into-containers.md.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { answerStreams, receiveWithin } from '../../node/network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../../node/network/index.ts'
import { outputTarBytes } from '../../node/outputs/index.ts'
import { encode } from '../../protocol/codec.ts'
import { type ReachHello, ReachReplySchema } from '../../protocol/gen/cortex/v1/reach_pb.js'
import {
  MAX_EXECS,
  MAX_FILE_STREAMS,
  MAX_REACH_MESSAGE_BYTES,
  MAX_REACH_STREAMS,
  MAX_TUNNELS,
} from '../../protocol/limits.ts'
import { readReachHello } from '../../protocol/reach-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { ContainerAccess } from '../engine/access.ts'
import { leaseId } from '../journal/records.ts'
import { containerName } from '../lease/container.ts'
import type { Lease } from '../lease/lease.ts'
import { freeBytes } from '../lease/watch-storage.ts'
import type { OutputSpool } from '../outputs/spool.ts'
import { createCounter } from './counter.ts'
import { createEndpoints } from './endpoints.ts'
import { serveExec } from './exec.ts'
import type { FilesPlace } from './files/answers.ts'
import { serveFiles } from './files/serve-files.ts'
import { lookInto } from './inspect.ts'
import { serveOutput } from './output.ts'
import type { Reached } from './reached.ts'
import { ReachRefusedError } from './refusal.ts'
import type { Transfers } from './transfers.ts'
import { serveTunnel } from './tunnel.ts'

/** What {@link createReachDesk} works with. */
export interface ReachDeskComponents {
  network: PeerNetwork
  access: ContainerAccess
  spool: OutputSpool
  transfers: Transfers
  clock: Clock
  logger: Logger
  find: (id: string) => Lease | undefined
}

/** Answers the streams of the protocols `tunnel`, `exec`, `output` and `files`. */
export interface ReachDesk {
  start(): void
  stop(): Promise<void>
}

/** How long a stranger may take to say what it wants, in ms. */
const HELLO_MS = 10_000

const CONTAINER = 'The container'

/** What a protocol's streams are for. */
const KINDS = {
  [Protocol.tunnel]: ['tunnel'],
  [Protocol.exec]: ['exec', 'inspect'],
  [Protocol.output]: ['output'],
  [Protocol.files]: ['files'],
} as const satisfies Partial<Record<Protocol, NonNullable<ReachHello['content']['case']>[]>>

/** @param init.udpIdleMs how long a UDP flow may be without a datagram, in ms */
export function createReachDesk(components: ReachDeskComponents, init: { udpIdleMs: number }): ReachDesk {
  const { network, access, spool, transfers, clock, find } = components
  const logger = components.logger.child({ part: 'reach' })
  const scope = new AbortController()
  const endpoints = createEndpoints({ access, clock })
  const tunnels = createCounter(CONTAINER)
  const execs = createCounter(CONTAINER)
  const files = createCounter(CONTAINER)
  const running = new Set<Promise<void>>()

  async function hear(channel: Channel, peer: string, kinds: readonly string[]): Promise<void> {
    const bytes = await receiveWithin(channel, { clock, ms: HELLO_MS, signal: scope.signal })
    if (bytes === null) return
    const hello = readReachHello(bytes)
    if (!kinds.includes(hello.content.case ?? '')) throw new WireError('MALFORMED', 'A hello of another protocol')
    try {
      await serve(channel, peer, hello)
    } catch (error) {
      if (!(error instanceof ReachRefusedError)) throw error
      logger.debug({ peer, job: hello.jobId, code: error.code, error: String(error.cause ?? '') }, 'refused')
      await channel.send(encode(ReachReplySchema, { code: error.code, message: error.message }))
    }
    await channel.close()
  }

  async function serve(channel: Channel, peer: string, hello: ReachHello): Promise<void> {
    const { jobId, fence, content } = hello
    if (content.case === 'output') {
      const owner = { jobId, fence, requester: peer }
      return await serveOutput({ spool, clock }, channel, owner, Number(content.value.offset), scope.signal)
    }
    const reached = enter(channel, peer, hello)
    await whileOpen(channel, reached.signal, async () => await reach(reached, content))
  }

  async function reach(reached: Reached, content: ReachHello['content']): Promise<void> {
    const { channel } = reached
    switch (content.case) {
      case 'tunnel':
        return await tunnels.within(reached.lease.id, MAX_TUNNELS, async () => {
          await serveTunnel({ endpoints, clock }, reached, content.value, init.udpIdleMs)
        })
      case 'exec':
        return await execs.within(reached.lease.id, MAX_EXECS, async () => {
          await serveExec({ access }, reached, content.value)
        })
      case 'files':
        return await files.within(reached.lease.id, MAX_FILE_STREAMS, async () => {
          await serveFiles({ transfers, clock }, placeOf(access, reached), content.value)
        })
      default:
        await channel.send(encode(ReachReplySchema, { ok: true, container: await lookInto(access, reached) }))
    }
  }

  async function answer(channel: Channel, peer: string, kinds: readonly string[]): Promise<void> {
    await whileOpen(channel, scope.signal, async () => await hear(channel, peer, kinds))
  }

  /** @throws {ReachRefusedError} */
  function enter(channel: Channel, peer: string, { jobId, fence }: ReachHello): Reached {
    const lease = find(leaseId(jobId, fence))
    if (lease === undefined) throw new ReachRefusedError('UNKNOWN_LEASE', 'The provider has no such job')
    if (lease.record.requester !== peer) {
      network.penalise(peer, 'reached for another’s container')
      throw new ReachRefusedError('UNKNOWN_LEASE', 'The provider has no such job')
    }
    const { startedAtMs, stopping } = lease.progress
    if (startedAtMs === null) throw new ReachRefusedError('NOT_RUNNING', 'The container does not run yet')
    const exited = AbortSignal.any([scope.signal, lease.exitedSignal])
    // A stale one is over for its requester, however long its end takes.
    if (exited.aborted || stopping === 'stale') throw new ReachRefusedError('NOT_RUNNING', 'The container has ended')
    const signal = AbortSignal.any([scope.signal, lease.closedSignal])
    return { channel, lease, name: containerName(lease.record), signal, exited }
  }

  return {
    start() {
      const options = { maxMessageBytes: MAX_REACH_MESSAGE_BYTES, maxInboundStreams: MAX_REACH_STREAMS, bulk: true }
      for (const [protocol, kinds] of Object.entries(KINDS)) {
        answerStreams({ network, logger, name: 'reach' }, protocol, options, async (channel, peer) => {
          const answered = answer(channel, peer, kinds)
          running.add(answered)
          await answered.finally(() => running.delete(answered))
        })
      }
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await Promise.allSettled(running)
    },
  }
}

/** Breaks the stream where the signal aborts: a requester that reads nothing would else be waited for. */
async function whileOpen(channel: Channel, signal: AbortSignal, task: () => Promise<void>): Promise<void> {
  const end = (): void => channel.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  try {
    await task()
  } finally {
    signal.removeEventListener('abort', end)
  }
}

/** The files of a lease's container. */
function placeOf(access: ContainerAccess, { channel, lease, name, signal }: Reached): FilesPlace {
  const maxBytes = lease.record.resources.storageBytes
  return {
    ...{
      channel,
      access,
      more: access,
      name,
      signal,
      maxBytes,
      maxReadBytes: outputTarBytes(maxBytes),
      isApart: false,
    },
    freeBytes: () => freeBytes(lease.record, lease.storage.use),
    ownerIn: async () => await access.ownerOf(name, { signal }),
    // What it has is measured, or held, whoever writes it.
    admit: async (_size, write) => await write(),
  }
}
