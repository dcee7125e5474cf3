import { decode, encode, safeNumber } from '../../protocol/codec.ts'
import {
  AnnouncementSchema,
  DirectoryReplySchema,
  DirectoryRequestSchema,
  type SignedStatement,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_DIRECTORY_BYTES, MAX_DIRECTORY_ENTRIES, MAX_GOSSIP_BYTES } from '../../protocol/limits.ts'
import { type Announcement, checkAnnouncement } from '../../protocol/market-messages.ts'
import { Protocol } from '../../protocol/topics.ts'
import { WireError } from '../../protocol/wire-error.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import { takeTurn } from '../turns.ts'
import { type ProviderTable, statusOf } from './provider-table.ts'

/** Neighbours asked within {@link ASK_WINDOW_MS}: enough to know the market, and to survive one liar. */
const MAX_ASKED = 3
const ASK_WINDOW_MS = 10 * 60_000

/** Neighbours remembered for when one of those asked does not answer. */
const MAX_CANDIDATES = 64

/** How long an answer may take, in ms, to give as to get. */
export const ANSWER_TIMEOUT_MS = 5_000

/** Signatures checked before others get a turn: some 2 ms. */
const CHECKED_AT_ONCE = 16

/** What both sides of the exchange work with. */
export interface NeighbourComponents {
  network: PeerNetwork
  table: ProviderTable
  clock: Clock
  logger: Logger
}

/**
 * Asks the first few neighbours that can be asked, and others in place of those that do not answer: so a newcomer knows
 * the market before the next announcements come by.
 */
export function askNeighbours(components: NeighbourComponents, networkName: string, signal: AbortSignal): void {
  const { network, table, clock, logger } = components
  const asked = new Map<string, number>()
  const candidates = new Set<string>()

  const ask = async (peer: string): Promise<void> => {
    const limit = deadline(clock, ANSWER_TIMEOUT_MS, signal)
    const options = { maxMessageBytes: MAX_DIRECTORY_BYTES, signal: limit.signal }
    const channel = await network.open(peer, Protocol.directory, options)
    try {
      await channel.send(encode(DirectoryRequestSchema, { network: networkName }))
      await channel.close()
      const reply = await channel.receive()
      if (reply !== null) await learn(reply)
    } finally {
      limit.clear()
      channel.abort(new Error('The answer was read'))
    }
  }

  const learn = async (reply: Uint8Array): Promise<void> => {
    const { entries } = decode(DirectoryReplySchema, reply, MAX_DIRECTORY_BYTES)
    if (entries.length > MAX_DIRECTORY_ENTRIES) throw new WireError('TOO_LARGE', 'More entries than an answer holds')
    let checked = 0
    for (const { announcement: statement, ageMs } of entries) {
      if (signal.aborted) return
      if (statement === undefined || !mayBeNews(statement)) continue
      const announcement = await checkAnnouncement(statement, networkName)
      const age = safeNumber(ageMs, 'age_ms')
      if (statusOf(announcement, age) !== 'offline') table.hear(announcement, statement, age)
      checked += 1
      if (checked % CHECKED_AT_ONCE === 0) await takeTurn()
    }
  }

  /** Looks before the signature is checked, which costs a hundred times more; what is news is checked then. */
  const mayBeNews = (statement: SignedStatement): boolean => {
    const { provider, incarnation, sequence } = decode(AnnouncementSchema, statement.payload, MAX_GOSSIP_BYTES)
    const claim: Pick<Announcement, 'provider' | 'incarnation' | 'sequence'> = {
      provider,
      incarnation: safeNumber(incarnation, 'incarnation'),
      sequence: safeNumber(sequence, 'sequence'),
    }
    return provider !== network.peerId && table.isNews(claim)
  }

  const askOthers = (): void => {
    const nowMs = clock.monotonicMs()
    for (const [peer, atMs] of asked) if (nowMs - atMs > ASK_WINDOW_MS) asked.delete(peer)
    for (const peer of candidates) {
      if (asked.size >= MAX_ASKED) break
      candidates.delete(peer)
      if (asked.has(peer)) continue
      asked.set(peer, nowMs)
      void askOne(peer)
    }
  }

  const askOne = async (peer: string): Promise<void> => {
    try {
      await ask(peer)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof WireError) network.penalise(peer, `directory: ${error.code}`)
      logger.debug({ error, peer }, 'a neighbour did not tell what it knows')
      asked.delete(peer)
      askOthers()
    }
  }

  network.onPeer((peer, protocols) => {
    if (signal.aborted || !protocols.includes(Protocol.directory) || candidates.size >= MAX_CANDIDATES) return
    candidates.add(peer)
    askOthers()
  })
}
