import { decode, encode, safeNumber } from '../../protocol/codec.ts'
import {
  AnnouncementSchema,
  type DirectoryReply_Entry,
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
import { answerStreams } from '../network/answer-streams.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import { createRateBudget } from '../rate-budget.ts'
import { takeTurn } from '../turns.ts'
import { type ProviderTable, statusOf } from './provider-table.ts'

/** Neighbours asked within {@link ASK_WINDOW_MS}: enough to know the market, and to survive one liar. */
const MAX_ASKED = 3
const ASK_WINDOW_MS = 10 * 60_000

/** Neighbours remembered for when one of those asked does not answer. */
const MAX_CANDIDATES = 64

/** How long an answer may take, in ms. */
const ANSWER_TIMEOUT_MS = 5_000

/**
 * Questions that one peer may ask in a minute, and all. An honest one asks once per connection, but a command in a script's loop, or
 * a process that is restarted again and again, connects about once a second. An answer is up to a MiB.
 */
const QUESTIONS = { own: 60, total: 1_200, spanMs: 60_000 }

/** A question is the name of a network. */
const MAX_QUESTION_BYTES = 256

/** Signatures checked before others get a turn: some 2 ms. */
const CHECKED_AT_ONCE = 16

/** What {@link startExchange} works with. */
export interface ExchangeComponents {
  network: PeerNetwork
  table: ProviderTable
  clock: Clock
  logger: Logger
}

/** Newcomers ask a few neighbours what they know, and so know the market before the next announcements come by. */
export function startExchange(components: ExchangeComponents, networkName: string, signal: AbortSignal): void {
  const { network, table, clock, logger } = components
  const questions = createRateBudget({ clock }, QUESTIONS)
  const asked = new Map<string, number>()
  const candidates = new Set<string>()

  const answer = async (channel: Channel, peer: string): Promise<void> => {
    const question = await channel.receive()
    if (question === null) return await channel.close()
    const spent = questions.take(peer)
    if (spent !== 'taken') {
      if (spent === 'own') network.penalise(peer, 'directory: RATE')
      return channel.abort(new Error('Asked too often'))
    }
    const { network: asksFor } = decode(DirectoryRequestSchema, question, MAX_QUESTION_BYTES)
    if (asksFor === networkName) await channel.send(encode(DirectoryReplySchema, { entries: known() }))
    await channel.close()
  }

  const known = (): Omit<DirectoryReply_Entry, '$typeName' | '$unknown'>[] => {
    const nowMs = clock.monotonicMs()
    const online = [...table.entries()].filter(({ view }) => view.status !== 'offline')
    return pickSome(online, MAX_DIRECTORY_ENTRIES).map(({ statement, heardAtMs }) => ({
      announcement: statement,
      ageMs: BigInt(Math.max(0, Math.round(nowMs - heardAtMs))),
    }))
  }

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

  const options = { maxMessageBytes: MAX_QUESTION_BYTES, maxInboundStreams: 4 }
  answerStreams({ network, logger, name: 'directory' }, Protocol.directory, options, async (channel, peer) => {
    const limit = deadline(clock, ANSWER_TIMEOUT_MS, signal)
    limit.signal.addEventListener('abort', () => channel.abort(new Error('The answer took too long')), { once: true })
    await answer(channel, peer).finally(limit.clear)
  })
  network.onPeer((peer, protocols) => {
    if (signal.aborted || !protocols.includes(Protocol.directory) || candidates.size >= MAX_CANDIDATES) return
    candidates.add(peer)
    askOthers()
  })
}

/** `count` of the items by chance, so that several who are asked tell different things. */
function pickSome<T>(items: T[], count: number): T[] {
  const pool = [...items]
  while (pool.length > count) {
    const index = Math.floor(Math.random() * pool.length)
    const last = pool.pop()
    if (index < pool.length && last !== undefined) pool[index] = last
  }
  return pool
}
