import { type ClientRequest, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { type Duplex, Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { ReadableStream as WebStream } from 'node:stream/web'
import { GatewayError } from '../http/errors.ts'
import { NotConnectedError, type PortConnections } from './kept-connections.ts'
import { framed } from './request-body.ts'

/** Headers that are of one connection, never passed on (RFC 9110, 7.6.1). */
const HOP_BY_HOP = [
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

/** What a client says of who is before it: only this gateway knows. */
const FORWARDED = ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-forwarded-prefix']

/** How long the container may take for the head of its answer, in ms, since the last byte that it took of the request. */
const HEAD_MS = 120_000

/** A request as the container is to see it. */
export interface Forwarded {
  method: string
  /** With the query. */
  path: string
  headers: Headers
  /** Null for none. */
  body: ReadableStream<Uint8Array> | null
  /** Aborted when the client is gone. */
  signal: AbortSignal
  /** @default HEAD_MS */
  headMs?: number
}

/** Methods whose requests do nothing, so that one may be sent again. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/** What a broken connection's error is called. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE', 'CHANNEL_BROKEN', 'ERR_STREAM_PREMATURE_CLOSE'])

/** The container closed a connection that was kept before it said anything: it may never have seen the request. */
class StaleError extends Error {
  override readonly name = 'StaleError'
}

/**
 * Sends a request to a container, over connections that are kept or a stream, which is then used up; answers what it says
 * as it comes.
 * @param ended called when nothing of it is under way any more, unless this rejects
 */
export async function forwardRequest(
  way: Duplex | PortConnections,
  forwarded: Forwarded,
  ended: () => void = () => undefined,
): Promise<Response> {
  if (!('agent' in way)) return await attempt({ createConnection: () => way }, forwarded, ended)
  const over = { agent: way.agent }
  const mayRepeat = forwarded.body === null && SAFE.has(forwarded.method)
  if (!mayRepeat) way.refresh('unsure')
  try {
    return await attempt(over, forwarded, ended, way.guard)
  } catch (error) {
    if (!(error instanceof StaleError)) throw error
    way.refresh('all')
    if (!mayRepeat) throw notHttp('it closed the connection', error)
    return await attempt(over, forwarded, ended, way.guard)
  }
}

async function attempt(
  over: RequestOptions,
  forwarded: Forwarded,
  ended: () => void,
  guard: (request: ClientRequest) => void = () => undefined,
): Promise<Response> {
  const { body, method, signal } = forwarded
  const { request, isAlive } = begin(over, forwarded, framed(forwarded.headers, body))
  const closed = new Promise((resolve) => request.once('close', resolve))
  guard(request)
  const head = answerTo(request)
  if (body === null) request.end()
  else void pipeline(Readable.fromWeb(body as WebStream), told(isAlive), request).catch(() => undefined) // the answer says it
  const answer = await head
  if ('socket' in answer) {
    answer.socket.destroy()
    throw notHttp('it changed the protocol unasked')
  }
  const { response } = answer
  signal.addEventListener('abort', () => response.destroy(), { once: true })
  const status = response.statusCode ?? 0
  if (status < 200 || status > 599) {
    response.destroy()
    throw notHttp(`its status is ${status}`)
  }
  void closed.then(ended)
  const isEmpty = method === 'HEAD' || status === 204 || status === 205 || status === 304
  // No 205 has a body: what comes behind it is nobody's, and may have no end.
  if (status === 205) response.destroy()
  else if (isEmpty) response.resume()
  return new Response(isEmpty ? null : contentOf(response), { status, headers: headersOf(response) })
}

/** What is there already as it is: a stream of it would cost more than all the rest. */
function contentOf(response: IncomingMessage): Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array> {
  if (!response.complete) return Readable.toWeb(response) as ReadableStream<Uint8Array>
  const content = response.read() as Buffer<ArrayBuffer> | null
  response.resume()
  return content ?? new Uint8Array(0)
}

/**
 * Sends a request for another protocol, and joins the client's connection to the container's where that agrees.
 * @param clean what is to be taken out of the answer's headers
 */
export async function forwardUpgrade(
  stream: Duplex,
  forwarded: Omit<Forwarded, 'body'>,
  client: { socket: Duplex; head: Buffer },
  clean: (headers: Headers) => void,
): Promise<void> {
  const { socket, head } = client
  const protocol = forwarded.headers.get('upgrade') ?? 'websocket'
  const { request } = begin({ createConnection: () => stream }, forwarded, withUpgrade(forwarded.headers, protocol))
  request.end()
  const answer = await answerTo(request)
  const { response } = answer
  const headers = headersOf(response)
  clean(headers)
  if ('socket' in answer) {
    headers.set('connection', 'Upgrade')
    headers.set('upgrade', response.headers.upgrade ?? protocol)
    socket.write(headOf(response, headers), 'latin1')
    if (answer.head.length > 0) socket.write(answer.head)
    if (head.length > 0) answer.socket.write(head)
    const over = (): void => {
      socket.destroy()
      answer.socket.destroy()
    }
    await Promise.allSettled([pipeline(socket, answer.socket).catch(over), pipeline(answer.socket, socket).catch(over)])
    return
  }
  headers.set('connection', 'close')
  headers.delete('content-length')
  socket.write(headOf(response, headers), 'latin1')
  await pipeline(response, socket)
}

/** Headers without those that are for one connection, or that the gateway alone may say. */
export function endToEnd(headers: Headers): Headers {
  const kept = new Headers(headers)
  const named = (headers.get('connection') ?? '').split(',').map((name) => name.trim())
  for (const name of [...HOP_BY_HOP, ...FORWARDED, ...named]) if (/^[\w-]+$/.test(name)) kept.delete(name)
  return kept
}

function withUpgrade(headers: Headers, protocol: string): Headers {
  const kept = framed(headers, null)
  kept.set('connection', 'Upgrade')
  kept.set('upgrade', protocol)
  return kept
}

/** Calls back for each chunk that goes through. */
function told(callback: () => void): Transform {
  return new Transform({
    transform(chunk, _encoding, done) {
      callback()
      done(null, chunk)
    },
  })
}

/** @returns besides, how to say that the container took something of the request */
function begin(
  over: RequestOptions,
  { method, path, signal, headMs = HEAD_MS }: Omit<Forwarded, 'body'>,
  headers: Headers,
): { request: ClientRequest; isAlive: () => void } {
  const request = httpRequest({
    ...over,
    method,
    path,
    headers: Object.fromEntries(headers),
    setHost: false,
    signal,
  })
  const late = setTimeout(() => request.destroy(new Error('The container did not answer in time')), headMs)
  for (const end of ['response', 'upgrade', 'close']) request.once(end, () => clearTimeout(late))
  return { request, isAlive: () => void late.refresh() }
}

type Answer = { response: IncomingMessage } | { response: IncomingMessage; socket: Duplex; head: Buffer }

async function answerTo(request: ClientRequest): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  let isHeard = false
  request.once('information', () => {
    isHeard = true
  })
  request.once('response', (response) => resolve({ response }))
  request.once('upgrade', (response, socket, head) => resolve({ response, socket, head }))
  request.on('error', (cause: Error) => {
    if (cause instanceof NotConnectedError) return reject(cause.cause)
    if (cause instanceof GatewayError) return reject(cause)
    if (request.reusedSocket && !isHeard && BROKEN.has(String((cause as NodeJS.ErrnoException).code))) {
      return reject(new StaleError('The connection was closed', { cause }))
    }
    const problem = cause.message.startsWith('Parse Error') ? 'it speaks no HTTP' : cause.message
    reject(notHttp(problem, cause))
  })
  return await promise
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const all = new Headers()
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    try {
      all.append(rawHeaders[at] ?? '', rawHeaders[at + 1] ?? '')
    } catch {
      // A header that no client could read is none.
    }
  }
  return endToEnd(all)
}

function headOf({ statusCode, statusMessage }: IncomingMessage, headers: Headers): string {
  const lines = [`HTTP/1.1 ${statusCode} ${statusMessage ?? ''}`.trimEnd()]
  for (const [name, value] of headers) lines.push(`${name}: ${value}`)
  return `${lines.join('\r\n')}\r\n\r\n`
}

function notHttp(problem: string, cause?: Error): GatewayError {
  return new GatewayError('PROVIDER_UNAVAILABLE', `The container did not answer the request: ${problem}`, { cause })
}
