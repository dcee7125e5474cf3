import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Permission } from '../contract/permissions.ts'
import { ownerFilter, type Principal } from '../http/principal.ts'
import { type EventStreamComponents, endOf, followEverything } from './event-stream.ts'

/** How often `system` tells how the gateway is, in ms. */
const SYSTEM_MS = 30_000

/** What a socket may subscribe to, and what for. */
export const CHANNELS = {
  jobs: 'jobs:read',
  networks: 'providers:read',
  system: 'jobs:read',
} as const satisfies Record<string, Permission>
/** One of {@link CHANNELS}. */
export type Channel = keyof typeof CHANNELS

/** What {@link createSocketChannels} works with. */
export interface ChannelComponents extends EventStreamComponents {
  clock: Clock
  logger: Logger
  /** What `system` tells. */
  health(): Record<string, unknown>
}

/** The channels that one socket is subscribed to. */
export interface SocketChannels {
  /** Repeating it is no error. */
  open(channel: Channel, who: Principal): void
  close(channel: Channel): void
  closeAll(): void
}

/** Events are told from the subscription on; none of before. @param tell sends a message to the client */
export function createSocketChannels(
  components: ChannelComponents,
  tell: (message: Record<string, unknown>) => void,
): SocketChannels {
  const { clock, logger, health } = components
  const channels = new Map<Channel, AbortController>()

  async function tellEvents(channel: 'jobs' | 'networks', who: Principal, signal: AbortSignal): Promise<void> {
    const prefix = channel === 'jobs' ? 'job.' : 'provider.'
    const filter = { owner: ownerFilter(who), wants: (type: string) => type.startsWith(prefix) }
    for await (const events of followEverything(components, endOf(components), filter, signal)) {
      for (const event of events) tell({ channel, ...event })
    }
  }

  async function tellSystem(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      tell({ channel: 'system', type: 'system.health', data: health() })
      await clock.sleep(SYSTEM_MS, signal).catch(() => {}) // unsubscribed: the loop ends
    }
  }

  return {
    open(channel, who) {
      if (channels.has(channel)) return
      const abort = new AbortController()
      const { signal } = abort
      channels.set(channel, abort)
      const running = channel === 'system' ? tellSystem(signal) : tellEvents(channel, who, signal)
      running.catch((error: unknown) => logger.error({ err: error, channel }, 'a socket’s channel broke'))
    },
    close(channel) {
      channels.get(channel)?.abort()
      channels.delete(channel)
    },
    closeAll() {
      for (const channel of channels.values()) channel.abort()
      channels.clear()
    },
  }
}
