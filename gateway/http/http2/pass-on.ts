import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { takeTurn } from '../../../node/turns.ts'
import { HeadError, OF_A_CONNECTION, type RequestHead, requestHead } from './request-head.ts'
import { type Ends, StreamSocket } from './stream-socket.ts'

/**
 * Lets a connection in by the door that every connection takes.
 * @param begun called once it has its turn, or is refused by an answer; never where it is gone by then
 */
export type Admit = (socket: StreamSocket, begun: () => void) => void

const { NGHTTP2_CANCEL, NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } =
  constants
/** Of an answer's head. Those of containers are 16 KiB at most, and get some of ours. */
const MAX_ANSWER_HEAD_BYTES = 64 * 1024
/** Of an answer that is sent before the client has to have taken some, in bytes. */
const PIECE_BYTES = 16 * 1024
const HAS_NO_BODY = new Set([204, 205, 304])

/** A stream, and what becomes of it. */
interface Passed {
  stream: ServerHttp2Stream
  /** Names and values of its head one after the other. */
  raw: readonly string[]
  /** Whether no body follows. */
  isWhole: boolean
  ends: Ends
  admit: Admit
  /** How long a client may take nothing of an answer, in ms. */
  stalledMs: number
}

/**
 * Makes one request by HTTP/1.1, over a connection of its own within this process, of a stream of HTTP/2. The client of Node
 * writes it and the server of Node reads it, so that neither takes a part of it for something else.
 */
export function passOn({ stream, raw, isWhole, ends, admit, stalledMs }: Passed): void {
  const head = tried(() => requestHead(raw, isWhole))
  if (head instanceof Error) return void refuse(stream, head)
  const [client, server] = StreamSocket.pair(ends)
  client.on('error', () => undefined) // its request tells
  let request: ClientRequest | null = null
  const breakOff = (): void => {
    request?.destroy()
    client.destroy()
    server.destroy() // as a connection that breaks off, whatever its handler still writes
  }
  stream.once('close', () => {
    if (request === null) breakOff()
    else void takeTurn().then(breakOff) // the streams of a connection end all at once, and this is most of the work
  })
  server.once('close', () => {
    if (request === null) stream.close(NGHTTP2_REFUSED_STREAM) // never asked: the client may ask again
  })
  admit(server, () => {
    const made = tried(() => begin(client, head))
    if (made instanceof Error) {
      server.destroy()
      return refuse(stream, made)
    }
    request = made
    request.on('response', (response) => void answer(stream, response, { isHead: head.method === 'HEAD', stalledMs }))
    request.on('continue', () => {
      if (!isOver(stream) && !stream.headersSent) tried(() => stream.additionalHeaders({ ':status': 100 }))
    })
    request.on('error', () => {
      if (!stream.headersSent) stream.close(NGHTTP2_INTERNAL_ERROR)
    })
    if (isWhole) request.end(() => stream.resume())
    else sendBody(stream, request, head.bodyBytes)
  })
}

function begin(client: StreamSocket, { method, path, headers }: RequestHead): ClientRequest {
  const options = { method, path, headers, setHost: false, maxHeaderSize: MAX_ANSWER_HEAD_BYTES }
  return httpRequest({ ...options, createConnection: () => client })
}

/** No more of a body than was said, and no less: what comes after it would be the next request. */
function sendBody(stream: ServerHttp2Stream, request: ClientRequest, bodyBytes: number | null): void {
  let bytes = 0
  let isFull = false
  request.flushHeaders()
  // All that has come in one piece: a byte in a frame of its own costs what a byte costs.
  const send = (): void => {
    while (!isFull && !request.destroyed) {
      const chunk: Buffer | null = stream.read()
      if (chunk === null) return
      bytes += chunk.length
      if (bytes > (bodyBytes ?? bytes)) return void stream.close(NGHTTP2_PROTOCOL_ERROR)
      isFull = !request.write(chunk)
    }
  }
  stream.on('readable', send)
  request.on('drain', () => {
    isFull = false
    send()
  })
  stream.on('end', () => {
    if (stream.aborted || stream.destroyed) return
    if (bytes === (bodyBytes ?? bytes)) request.end()
    else stream.close(NGHTTP2_PROTOCOL_ERROR)
  })
}

async function answer(
  stream: ServerHttp2Stream,
  response: IncomingMessage,
  { isHead, stalledMs }: { isHead: boolean; stalledMs: number },
): Promise<void> {
  if (isOver(stream)) return void response.destroy()
  const { statusCode: status = 502, headers } = response
  for (const name of OF_A_CONNECTION) delete headers[name]
  const endStream = isHead || HAS_NO_BODY.has(status)
  const told = tried(() => stream.respond({ ...headers, ':status': status }, { endStream }))
  if (told instanceof Error) return void stream.close(NGHTTP2_INTERNAL_ERROR)
  if (endStream) {
    response.resume()
    return void over(stream)
  }
  try {
    await sendAnswer(stream, response, stalledMs)
    if (!stream.destroyed) stream.end(() => over(stream))
  } catch {
    // It broke off on either side; what is left of it is ended with the stream.
    if (!isOver(stream)) stream.close(NGHTTP2_INTERNAL_ERROR)
  }
}

/**
 * Sends a body in pieces, each after the one before was taken. The time-outs of Node's streams begin anew with whatever goes
 * over their connection: a client that takes nothing of one stream would keep it by asking for something else.
 */
async function sendAnswer(stream: ServerHttp2Stream, response: IncomingMessage, stalledMs: number): Promise<void> {
  const stall = setTimeout(() => {
    if (stream.writableLength > 0) stream.close(NGHTTP2_CANCEL)
  }, stalledMs).unref()
  stream.once('close', () => clearTimeout(stall))
  for await (const chunk of response as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      stall.refresh()
      const piece = chunk.subarray(at, at + PIECE_BYTES)
      await new Promise<void>((resolve, reject) => stream.write(piece, (error) => (error ? reject(error) : resolve())))
    }
  }
}

/** Whether nothing can be said by it any more; one that was taken back without an error is closed first, destroyed later. */
function isOver(stream: ServerHttp2Stream): boolean {
  return stream.destroyed || stream.closed
}

/** The answer is out: what the client still sends is not read any more (RFC 9113, 8.1). */
function over(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR)
}

function refuse(stream: ServerHttp2Stream, { message }: Error): void {
  const error = { code: 'VALIDATION_ERROR', message: `This is no request: ${message}` }
  if (isOver(stream)) return
  const told = tried(() => stream.respond({ ':status': 400, 'content-type': 'application/json' }))
  if (told instanceof Error) return void stream.close(NGHTTP2_INTERNAL_ERROR)
  stream.end(JSON.stringify({ success: false, error }), () => over(stream))
}

function tried<T>(make: () => T): T | Error {
  try {
    return make()
  } catch (error) {
    return error instanceof Error ? error : new HeadError(String(error))
  }
}
