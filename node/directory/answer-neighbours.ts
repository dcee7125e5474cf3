import { decode, encode } from '../../protocol/codec.ts'
import {
  type DirectoryReply_Entry,
  DirectoryReplySchema,
  DirectoryRequestSchema,
} from '../../protocol/gen/cortex/v1/market_pb.js'
import { MAX_DIRECTORY_ENTRIES } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import { deadline } from '../deadline.ts'
import { answerStreams } from '../network/answer-streams.ts'
import type { Channel } from '../network/index.ts'
import { createRateBudget } from '../rate-budget.ts'
import { ANSWER_TIMEOUT_MS, type NeighbourComponents } from './ask-neighbours.ts'

/**
 * Questions that one peer may ask in a minute, and all. An honest one asks once per connection, but a command in a script's loop, or
 * a process that is restarted again and again, connects about once a second. An answer is up to a MiB.
 */
const QUESTIONS = { own: 60, total: 1_200, spanMs: 60_000 }

/** A question is the name of a network. */
const MAX_QUESTION_BYTES = 256

/** Tells neighbours that ask what is known here of providers that are online. */
export function answerNeighbours(components: NeighbourComponents, networkName: string, signal: AbortSignal): void {
  const { network, table, clock, logger } = components
  const questions = createRateBudget({ clock }, QUESTIONS)

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

  const options = { maxMessageBytes: MAX_QUESTION_BYTES, maxInboundStreams: 4 }
  answerStreams({ network, logger, name: 'directory' }, Protocol.directory, options, async (channel, peer) => {
    const limit = deadline(clock, ANSWER_TIMEOUT_MS, signal)
    limit.signal.addEventListener('abort', () => channel.abort(new Error('The answer took too long')), { once: true })
    await answer(channel, peer).finally(limit.clear)
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
