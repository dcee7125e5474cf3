import { z } from 'zod'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { type Holds, NO_LONGER } from '../auth/holds.ts'
import type { KeyRing } from '../auth/key-ring.ts'
import { allows, type Permission } from '../auth/permissions.ts'
import { ownerFilter, type Principal } from '../auth/principal.ts'
import { type EventStreamComponents, endOf, followEverything } from '../events/event-stream.ts'

/** How long a socket may take to sign in, in ms. */
const SIGN_IN_MS = 10_000
/** Text waiting for a client beyond which it is let go, in characters. */
const MAX_BUFFERED = 1024 * 1024
/** How often `system` tells how the gateway is, in ms. */
const SYSTEM_MS = 30_000

/** Close codes of the WebSocket protocol that are used. */
export const CLOSE = { policy: 1008, tooSlow: 1013, goingAway: 1001 } as const

const CHANNELS = { jobs: 'jobs:read', networks: 'providers:read', system: 'jobs:read' } as const satisfies Record<
  string,
  Permission
>
type Channel = keyof typeof CHANNELS

const messageSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auth'), token: z.string().max(1024) }),
  z.strictObject({ type: z.literal('subscribe'), channel: z.enum(['jobs', 'networks', 'system']) }),
  z.strictObject({ type: z.literal('unsubscribe'), channel: z.enum(['jobs', 'networks', 'system']) }),
  z.strictObject({ type: z.literal('ping') }),
])

/** The other end, as far as a session needs it. */
export interface Socket {
  send(text: string): void
  close(code: number, reason: string): void
  /** Characters that were sent and are still here. */
  buffered(): number
}

export interface SessionComponents extends EventStreamComponents {
  keys: KeyRing
  holds: Pick<Holds, 'keep'>
  clock: Clock
  logger: Logger
  /** What `system` tells. */
  health(): Record<string, unknown>
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
  const { keys, holds, clock, logger } = components
  const ended = new AbortController()
  const channels = new Map<Channel, AbortController>()
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
    return holds.keep(who, () => {
      end()
      socket.close(...NO_LONGER)
    })
  }

  function refuse(code: 'UNAUTHORIZED' | 'FORBIDDEN' | 'VALIDATION_ERROR', message: string): void {
    tell({ type: 'error', error: { code, message } })
  }

  function signIn(token: string): void {
    const key = keys.authenticate(token)
    if (key === undefined) {
      refuse('UNAUTHORIZED', 'This key is wrong, revoked or expired')
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
      if (!channels.has(channel)) open(channel, principal)
      tell({ type: 'subscribed', channel })
    } else {
      refuse('FORBIDDEN', `This key lacks the permission ${CHANNELS[channel]}`)
    }
  }

  function open(channel: Channel, who: Principal): void {
    const abort = new AbortController()
    channels.set(channel, abort)
    const running = channel === 'system' ? tellSystem(abort.signal) : tellEvents(channel, who, abort.signal)
    running.catch((error: unknown) => logger.error({ err: error, channel }, 'a socket’s channel broke'))
  }

  async function tellEvents(channel: 'jobs' | 'networks', who: Principal, signal: AbortSignal): Promise<void> {
    const prefix = channel === 'jobs' ? 'job.' : 'provider.'
    const filter = { owner: ownerFilter(who), wants: (type: string) => type.startsWith(prefix) }
    for await (const events of followEverything(components, endOf(components), filter, signal)) {
      for (const event of events) tell({ channel, ...event })
    }
  }

  async function tellSystem(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      tell({ channel: 'system', type: 'system.health', data: components.health() })
      await clock.sleep(SYSTEM_MS, signal).catch(() => {}) // unsubscribed: the loop ends
    }
  }

  function end(): void {
    release?.()
    ended.abort()
    for (const channel of channels.values()) channel.abort()
    channels.clear()
  }

  return {
    end,
    receive(text) {
      const message = parse(text)
      switch (message?.type) {
        case 'auth':
          signIn(message.token)
          break
        case 'ping':
          tell({ type: 'pong' })
          break
        case 'subscribe':
          subscribe(message.channel)
          break
        case 'unsubscribe':
          channels.get(message.channel)?.abort()
          channels.delete(message.channel)
          tell({ type: 'unsubscribed', channel: message.channel })
          break
        default:
          refuse('VALIDATION_ERROR', 'Send JSON with a type of auth, subscribe, unsubscribe or ping')
      }
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
