import type { Connection, ServerChannel } from 'ssh2'
import type { Logger } from '../../logger.ts'
import { MAX_CHANNELS, type SshTarget } from '../index.ts'
import { serveForward } from './forward.ts'
import { type SessionComponents, serveSession } from './session.ts'

/** Bytes that one channel's client has sent, and nobody has taken. */
export type Held = () => number

/** Serves what somebody asks for who was let in. @param channels those that are open, kept up to date */
export function serveGuest<T extends SshTarget>(
  client: Connection,
  components: SessionComponents<T> & { logger: Logger },
  channels: Set<Held>,
): void {
  const { logger, signal } = components
  client.on('session', (accept, reject) => {
    if (channels.size >= MAX_CHANNELS) return reject()
    const held = serveSession(accept(), components, () => channels.delete(held))
    channels.add(held)
  })
  client.on('tcpip', (accept, reject, { destIP: host, destPort: port }) => {
    if (channels.size >= MAX_CHANNELS) return reject()
    let channel: ServerChannel | undefined
    const held: Held = () => channel?.readableLength ?? 0
    channels.add(held)
    const take = () => {
      channel = signal.aborted ? undefined : accept()
      return channel
    }
    serveForward(components, { host, port }, take)
      .catch((error: unknown) => {
        logger.debug({ port, error: String(error) }, 'a forwarded connection broke')
        if (!signal.aborted) reject()
      })
      .finally(() => channels.delete(held))
  })
  // What listens in the container for a client here would need a program there: see docs/decisions/0098-ssh.md.
  client.on('request', (_accept, reject) => reject?.())
}
