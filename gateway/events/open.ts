import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { KeyGuard, Revocation } from '../auth/index.ts'
import { basesOf, type Feature } from '../http/feature.ts'
import type { Shares } from '../http/shares.ts'
import type { Answers } from './answers.ts'
import type { EventStreamComponents } from './event-stream.ts'
import { addEventRoutes } from './routes.ts'
import { addSocketRoute, createSocketServer } from './socket-route.ts'
import { type Ask, addStreamSocket } from './stream-socket.ts'

/** What {@link openEvents} works with. */
export interface EventsComponents extends EventStreamComponents {
  answers: Answers
  keyGuard: KeyGuard
  revocation: Revocation
  /** Of streams and sockets that are open. */
  shares: Shares
  clock: Clock
  logger: Logger
  /** What sockets tell of the gateway itself. */
  health(): Record<string, unknown>
  /** Answers a request as if it had come by itself. */
  ask: Ask
}

/** What happens, as it happens: the feed of jobs and providers, as streams and over sockets. */
export interface Events extends Feature {
  /** Closes the sockets of `/ws`. */
  letGo(): void
}

/** `/plugin-core/events` and `/plugin-core/streams` of the API, and `/ws` at the root and below both bases. */
export function openEvents(components: EventsComponents): Events {
  const sockets = createSocketServer()
  return {
    routes(api) {
      addEventRoutes(api, components)
      addStreamSocket(api, components, components.ask)
    },
    rootRoutes(app) {
      for (const base of basesOf(app)) addSocketRoute(base, { ...components, sockets })
    },
    letGo: sockets.stop,
  }
}
