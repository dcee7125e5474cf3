/** Tells the network what this provider offers: at the start, when it changes, and often enough to be believed alive. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { toBinary } from '@bufbuild/protobuf'
import type { PrivateKey } from '@libp2p/interface'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { encode } from '../../protocol/codec.ts'
import { AnnouncementSchema, SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { signStatement } from '../../protocol/statements.ts'
import { toLine } from '../../protocol/text.ts'
import { type AnnouncePace, announcePace } from './announce-pace.ts'

/** What is said, but for what the announcer itself knows. */
export type Offer = Omit<
  MessageInitShape<typeof AnnouncementSchema>,
  '$typeName' | 'network' | 'provider' | 'incarnation' | 'sequence' | 'intervalMs' | 'addresses'
>

/** What {@link createAnnouncer} works with. */
export interface AnnouncerComponents {
  network: Pick<PeerNetwork, 'peerId' | 'addresses' | 'onAddresses'>
  /** Broadcasts an encoded SignedStatement. */
  broadcast: (statement: Uint8Array) => Promise<void>
  privateKey: PrivateKey
  clock: Clock
  logger: Logger
  /** As things stand now. */
  describe: () => Offer
  /** How many providers sell on the network, as far as this one knows. */
  providers: () => number
}

/** Whose announcements they are, and how often they are made. */
export interface AnnouncerInit {
  marketName: string
  /** Higher than of any earlier process of this provider. */
  incarnation: number
  /** Regular time between two, in ms; more in a large network. */
  announceMs: number
  /** How long changes are gathered before they are told, in ms. */
  announceDelayMs: number
}

/** One that cannot be made or broadcast is logged and remembered as {@link Announcer.problem}: the next comes soon enough. */
export interface Announcer {
  /** Announces at once, and from then on whenever it is due or the network's addresses change. */
  start(): void
  /** Something changed: it is told after `announceDelayMs`, or later in a large network, with what else changes meanwhile. */
  changed(): void
  /** Something changed that others should know at once. */
  urgent(): void
  /** Why the last one could not be made or broadcast, one line for the owner; null where it was. */
  problem(): string | null
  /** Says goodbye. */
  stop(): Promise<void>
}

/**
 * Numbers announcements from 1 within its incarnation. What changes all the time (uptime, counts of jobs) is told with
 * the regular ones alone.
 */
export function createAnnouncer(components: AnnouncerComponents, init: AnnouncerInit): Announcer {
  const { network, broadcast, privateKey, clock, describe } = components
  const logger = components.logger.child({ part: 'announcer' })
  const scope = new AbortController()
  let sequence = 0
  let wake = new AbortController()
  let told = ''
  /** When the next one is due whatever happens, and when something that changed should be told. Monotonic, ms. */
  let regularAtMs = Number.NEGATIVE_INFINITY
  let changeAtMs = Number.POSITIVE_INFINITY
  /** Before this a change waits: in a large network everyone speaks less often. */
  let quietUntilMs = Number.NEGATIVE_INFINITY
  let loop: Promise<void> = Promise.resolve()
  let problem: string | null = null

  async function announce(offer: Offer, { intervalMs }: AnnouncePace): Promise<void> {
    sequence += 1
    try {
      const payload = encode(AnnouncementSchema, {
        ...offer,
        network: init.marketName,
        provider: network.peerId,
        incarnation: BigInt(init.incarnation),
        sequence: BigInt(sequence),
        intervalMs,
        addresses: network.addresses(),
      })
      const statement = await signStatement('announcement', payload, privateKey)
      await broadcast(toBinary(SignedStatementSchema, statement))
      problem = null
    } catch (error) {
      // The next one comes soon enough.
      failed(error)
    }
  }

  function failed(error: unknown): void {
    problem = toLine(String(error), MAX_PROBLEM_LENGTH)
    logger.warn({ error: String(error) }, 'not announced')
  }

  async function run(): Promise<void> {
    while (!scope.signal.aborted) {
      changeAtMs = Number.POSITIVE_INFINITY
      try {
        await announceNews()
      } catch (error) {
        // Nothing could be said of this provider: it looks again when the next one is due.
        regularAtMs = clock.monotonicMs() + init.announceMs
        failed(error)
      }
      await untilDue()
    }
  }

  /** Announces where it is due, or something is new. */
  async function announceNews(): Promise<void> {
    const offer = describe()
    const text = fingerprint(offer, network.addresses())
    if (clock.monotonicMs() < regularAtMs && text === told) return
    told = text
    const pace = announcePace(components.providers(), init)
    const nowMs = clock.monotonicMs()
    regularAtMs = nowMs + pace.intervalMs
    quietUntilMs = nowMs + pace.gapMs
    await announce(offer, pace)
  }

  async function untilDue(): Promise<void> {
    while (!scope.signal.aborted) {
      const leftMs = Math.min(regularAtMs, changeAtMs) - clock.monotonicMs()
      if (leftMs <= 0) return
      wake = new AbortController()
      // Aborted: something changed, or the agent stops; either way the loop looks again.
      await clock.sleep(leftMs, AbortSignal.any([wake.signal, scope.signal])).catch(() => undefined)
    }
  }

  function at(atMs: number): void {
    if (atMs >= changeAtMs) return
    changeAtMs = atMs
    wake.abort()
  }

  function changed(): void {
    at(Math.max(quietUntilMs, clock.monotonicMs() + init.announceDelayMs))
  }

  return {
    start() {
      network.onAddresses(changed)
      loop = run()
    },
    changed,
    problem: () => problem,
    urgent: () => at(clock.monotonicMs()),
    async stop() {
      if (scope.signal.aborted) return
      scope.abort(new Error('The agent stops'))
      await loop
      await announce({ ...describe(), pausedReason: 'offline' }, announcePace(components.providers(), init))
    },
  }
}

/** In characters. */
const MAX_PROBLEM_LENGTH = 300

/** What makes a change worth telling. */
function fingerprint({ uptimeSeconds, jobsCompleted, jobsFailed, ...offer }: Offer, addresses: string[]): string {
  return JSON.stringify([offer, addresses], (_name, value) => (typeof value === 'bigint' ? String(value) : value))
}
