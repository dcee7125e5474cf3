import { Readable } from 'node:stream'
import { type Revocation, revokedError } from '../auth/index.ts'
import { type GatewayContext, principalOf } from '../http/context.ts'
import type { Shares } from '../http/shares.ts'
import { SSE_HEADERS } from './sse.ts'
import type { EventSourceOf, EventStreams, StreamHold } from './streams.ts'

/** Text of an answer that is handed over at a time, in characters. */
const PIECE_LENGTH = 64 * 1024

/** Answers that are made while they are read, within what whoever asked may have open. */
export interface Answers {
  /**
   * Takes the place of an answer ahead, for what is to have no effect where there is none.
   * @throws {GatewayError} RATE_LIMIT_EXCEEDED
   */
  hold(c: GatewayContext): Required<Pick<StreamHold, 'mayGoOn' | 'onEnd'>>
  /**
   * With events, for as long as whoever asked may see them.
   * @param hold of {@link hold} @default taken here
   * @throws {GatewayError} RATE_LIMIT_EXCEEDED
   */
  events(c: GatewayContext, source: EventSourceOf, hold?: StreamHold): Response
  /**
   * JSON whose one list is as long as it may be, and never in memory as a whole.
   * @param text what stands before the list, and after it; the latter is asked for once the list has ended
   * @throws {GatewayError} RATE_LIMIT_EXCEEDED
   */
  list(c: GatewayContext, items: AsyncIterable<unknown>, text: { before: string; after: () => string }): Response
  /** A file as it is read, for as long as whoever asked may have it. */
  file(c: GatewayContext, file: Readable, headers: Record<string, string>, status?: 200 | 206): Response
}

/** @param components.shares of streams and sockets @param components.readShares of what is read as JSON */
export function createAnswers(components: {
  streams: EventStreams
  revocation: Pick<Revocation, 'watch' | 'isValid'>
  shares: Shares
  readShares: Shares
}): Answers {
  const { streams, revocation, shares, readShares } = components

  function held(c: GatewayContext, within: Shares): ReturnType<Answers['hold']> {
    const principal = principalOf(c)
    return { mayGoOn: () => revocation.isValid(principal), onEnd: within.take(c, principal) }
  }

  return {
    hold: (c) => held(c, shares),
    events(c, source, hold) {
      if (c.req.method === 'HEAD') return c.body(null, 200, SSE_HEADERS)
      const { body } = streams.respond(source, hold ?? held(c, shares))
      return c.body(body as ReadableStream, 200, SSE_HEADERS)
    },
    list(c, items, text) {
      const headers = { 'Content-Type': 'application/json' }
      if (c.req.method === 'HEAD') return c.body(null, 200, headers)
      return c.body(streams.text(listText(items, text), held(c, readShares)), 200, headers)
    },
    file(c, file, headers, status = 200) {
      file.once(
        'close',
        revocation.watch(principalOf(c), () => file.destroy(revokedError())),
      )
      return c.body(Readable.toWeb(file) as ReadableStream, status, headers)
    },
  }
}

async function* listText(
  items: AsyncIterable<unknown>,
  { before, after }: { before: string; after: () => string },
): AsyncGenerator<string> {
  let piece = `${before}[`
  let separator = ''
  for await (const item of items) {
    piece += separator + JSON.stringify(item)
    separator = ','
    if (piece.length < PIECE_LENGTH) continue
    yield piece
    piece = ''
  }
  yield `${piece}]${after()}`
}
