import { z } from 'zod'
import { type KeyRecord, REVOKED_CLOSE, type Revocation } from '../auth/index.ts'
import type { ErrorCode } from '../contract/errors.ts'
import { allows } from '../contract/permissions.ts'
import { GatewayError } from '../http/errors.ts'
import type { Principal } from '../http/principal.ts'
import { createInbox } from './inbox.ts'
import { CHANNELS, type Channel, type ChannelComponents, createSocketChannels } from './socket-channels.ts'

/** How long a socket may take to sign in, in ms. */
const SIGN_IN_MS = 10_000
/** Text waiting for a client beyond which it is let go, in characters. */
const MAX_BUFFERED = 1024 * 1024
/** Messages of a client that may wait for the one before. */
const MAX_WAITING = 100
/** Close codes of the WebSocket protocol that are used. */
export const CLOSE = { policy: 1008, tooSlow: 1013, goingAway: 1001 } as const

const CHANNEL = z.enum(Object.keys(CHANNELS) as Channel[])
const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auth'), token: z.string().max(1024) }),
  z.strictObject({ type: z.literal('subscribe'), channel: CHANNEL }),
  z.strictObject({ type: z.literal('unsubscribe'), channel: CHANNEL }),
  z.strictObject({ type: z.literal('ping') }),
])

/** The other end, as far as a session needs it. */
export interface Socket {
  send(text: string): void
  close(code: number, reason: string): void
  /** Characters that were sent and are still here. */
  buffered(): number
}

/** What {@link openSocketSession} works with. */
export interface SessionComponents extends ChannelComponents {
  /** The key of a text. @throws {GatewayError} */
  signIn(token: string): Promise<KeyRecord | null>
  revocation: Pick<Revocation, 'watch'>
}

/** One client on `/ws`: it signs in, subscribes to channels, and is told what happens. */
export interface SocketSession {
  receive(text: string): void
  /** The socket is gone. */
  end(): void
}

/** @param signedIn who the socket's cookie or header stands for; null where it has to say so itself */
export function openSocketSession(
  socket: Socket,
  components: SessionComponents,
  signedIn: Principal | null,
): SocketSession {
  const { revocation, clock, logger } = components
  const ended = new AbortController()
  const channels = createSocketChannels(components, tell)
  let principal = signedIn
  let release = signedIn === null ? undefined : hold(signedIn)

  clock.sleep(SIGN_IN_MS, ended.signal).then(
    () => {
      if (principal === null) socket.close(CLOSE.policy, 'not signed in in time')
    },
    () => {}, // gone before
  )

  function tell(message: Record<string, unknown>): void {
    socket.send(JSON.stringify(message))
    if (socket.buffered() > MAX_BUFFERED) {
      end()
      socket.close(CLOSE.tooSlow, 'reads too slowly; connect again')
    }
  }

  function hold(who: Principal): () => void {
    return revocation.watch(who, () => {
      end()
      socket.close(...REVOKED_CLOSE)
    })
  }

  function refuse(code: ErrorCode, message: string): void {
    tell({ type: 'error', error: { code, message } })
  }

  async function signIn(token: string): Promise<void> {
    const key = await components.signIn(token).catch((error: unknown) => {
      if (!(error instanceof GatewayError)) throw error
      refuse(error.code, error.message)
      return null
    })
    if (ended.signal.aborted) return
    if (key === null) {
      socket.close(CLOSE.policy, 'wrong key')
      return
    }
    principal = { keyId: key.id, owner: key.owner, grants: key.grants, via: 'key' }
    release?.()
    release = hold(principal)
    tell({ type: 'authenticated', owner: key.owner })
  }

  function subscribe(channel: Channel): void {
    if (principal === null) {
      refuse('UNAUTHORIZED', 'Send { "type": "auth", "token": KEY } first')
    } else if (allows(principal.grants, CHANNELS[channel])) {
      channels.open(channel, principal)
      tell({ type: 'subscribed', channel })
    } else {
      refuse('FORBIDDEN', `This key lacks the permission ${CHANNELS[channel]}`)
    }
  }

  function end(): void {
    release?.()
    ended.abort()
    channels.closeAll()
  }

  async function handle(text: string): Promise<void> {
    const message = parse(text)
    switch (message?.type) {
      case 'auth':
        await signIn(message.token)
        break
      case 'ping':
        tell({ type: 'pong' })
        break
      case 'subscribe':
        subscribe(message.channel)
        break
      case 'unsubscribe':
        channels.close(message.channel)
        tell({ type: 'unsubscribed', channel: message.channel })
        break
      default:
        refuse('VALIDATION_ERROR', 'Send JSON with a type of auth, subscribe, unsubscribe or ping')
    }
  }

  const inbox = createInbox({ logger }, { most: MAX_WAITING, handle, signal: ended.signal })

  return {
    end,
    receive(text) {
      if (inbox.add(text)) return
      end()
      socket.close(CLOSE.policy, 'more messages than are answered')
    },
  }
}

function parse(text: string): z.output<typeof messageSchema> | null {
  try {
    return messageSchema.parse(JSON.parse(text))
  } catch {
    return null // whatever is wrong with it, the answer is the same
  }
}
