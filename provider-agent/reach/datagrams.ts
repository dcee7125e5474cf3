import { createSocket } from 'node:dgram'
import { onAbort, orAborted } from '../../node/abort.ts'
import type { Clock } from '../../node/clock.ts'
import type { Channel } from '../../node/network/index.ts'
import type { Endpoint } from '../engine/access.ts'
import { WELCOME } from './refusal.ts'

/** Bytes on their way to the container beyond which datagrams are lost, as at any full queue. */
const MAX_QUEUED_BYTES = 1024 * 1024

/**
 * Carries datagrams between a stream and a port, one a message, until the requester ends it or it was idle too long. They
 * keep their bounds; what comes faster than the stream carries it is lost, as on any network.
 */
export async function relayDatagrams(
  { clock }: { clock: Clock },
  channel: Channel,
  { host, port }: Endpoint,
  idleMs: number,
  signal: AbortSignal,
): Promise<void> {
  const socket = createSocket('udp4')
  const over = new AbortController()
  const both = AbortSignal.any([signal, over.signal])
  let heardMs = clock.monotonicMs()
  let isSending = false
  socket.on('error', () => undefined) // Nobody listens on the port yet: the next datagram may fare better.
  socket.on('message', (datagram) => {
    heardMs = clock.monotonicMs()
    if (isSending) return
    isSending = true
    channel.send(datagram).then(
      () => {
        isSending = false
      },
      () => over.abort(),
    )
  })
  const { promise: closed, resolve: onClosed } = Promise.withResolvers<void>()
  socket.once('close', onClosed)
  // At once, wherever the stream is held up: what comes a moment later may be another's.
  onAbort(both, () => socket.close())
  const watch = (async () => {
    while (clock.monotonicMs() - heardMs < idleMs) await clock.sleep(idleMs / 10, both)
    over.abort(new Error('The flow is idle'))
  })().catch(() => undefined) // over
  try {
    await orAborted(new Promise<void>((resolve) => socket.connect(port, host, resolve)), both)
    await orAborted(channel.send(WELCOME), both)
    for (;;) {
      const datagram = await channel.receive({ signal: both })
      if (datagram === null) return
      heardMs = clock.monotonicMs()
      if (socket.getSendQueueSize() > MAX_QUEUED_BYTES) continue
      socket.send(datagram, () => undefined) // Too long, or nobody listens: lost, as above.
    }
  } catch (error) {
    if (!both.aborted) throw error
  } finally {
    over.abort()
    await Promise.all([closed, watch])
  }
}
