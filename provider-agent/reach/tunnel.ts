import { connect, type Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { abortedWithin, orAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import { streamOf } from '../../node/network/channel-stream.ts'
import type { Channel } from '../../node/network/index.ts'
import type { ReachHello_Tunnel } from '../../protocol/gen/cortex/v1/reach_pb.js'
import type { Endpoint } from '../engine/access.ts'
import { relayDatagrams } from './datagrams.ts'
import type { Endpoints } from './endpoints.ts'
import type { Reached } from './reached.ts'
import { ReachRefusedError, WELCOME } from './refusal.ts'

/** How long a container may take to accept a connection, in ms. */
const CONNECT_MS = 10_000

/**
 * Joins a stream to a port of the container until both directions have ended; of UDP, until nothing was sent either way
 * for as long as it may be idle.
 * @throws {ReachRefusedError}
 */
export async function serveTunnel(
  { endpoints, clock }: { endpoints: Endpoints; clock: Clock },
  { channel, lease, name, signal, exited }: Reached,
  { port, protocol }: ReachHello_Tunnel,
  udpIdleMs: number,
): Promise<void> {
  const exposed = lease.record.job.ports?.find((one) => one.port === port && one.protocol === protocol)
  if (exposed === undefined) {
    throw new ReachRefusedError('PORT_NOT_EXPOSED', `The job does not expose port ${port} (${protocol})`)
  }
  const sought = { lease, name, port, protocol: exposed.protocol }
  const endpoint = await endpoints.find(sought, exited)
  exited.throwIfAborted()
  if (endpoint === null) throw new ReachRefusedError('NOT_LISTENING', 'The container has no network')
  if (exposed.protocol === 'UDP') return await relayDatagrams({ clock }, channel, endpoint, udpIdleMs, exited)
  const socket = await dial(endpoint, exited).catch((error: unknown) => {
    endpoints.forget(sought)
    throw error
  })
  await joinStreams(channel, socket, signal)
}

async function joinStreams(channel: Channel, socket: Socket, signal: AbortSignal): Promise<void> {
  try {
    await orAborted(channel.send(WELCOME), signal)
  } catch (error) {
    socket.destroy()
    throw error
  }
  const stream = streamOf(channel)
  // Each direction ends by itself; where one breaks, both are over.
  const give = (error: unknown): void => {
    socket.destroy()
    stream.destroy(error instanceof Error ? error : undefined)
  }
  await Promise.allSettled([
    pipeline(stream, socket, { signal }).catch(give),
    pipeline(socket, stream, { signal }).catch(give),
  ])
}

async function dial({ host, port }: Endpoint, signal: AbortSignal): Promise<Socket> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const limit = abortedWithin(CONNECT_MS, signal)
  const onAbort = (): void => reject(limit.reason)
  limit.addEventListener('abort', onAbort, { once: true })
  socket.once('connect', resolve).once('error', reject)
  try {
    await promise
    return socket
  } catch (cause) {
    socket.destroy()
    signal.throwIfAborted()
    const { code = 'no answer' } = cause as NodeJS.ErrnoException
    throw new ReachRefusedError('NOT_LISTENING', `Nothing in the container answers on port ${port} (${code})`, {
      cause,
    })
  } finally {
    limit.removeEventListener('abort', onAbort)
    socket.off('connect', resolve).off('error', reject)
  }
}
