import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http'
import { constants, type ServerHttp2Stream } from 'node:http2'
import { pipeline } from 'node:stream'
import { takeTurn } from '../../../node/turns.ts'
import { HeadError, type RequestHead, requestHead } from './request-head.ts'
import { type Ends, StreamSocket } from './stream-socket.ts'

/**
 * Lets a connection in by the door that every connection takes.
 * @param begun called once it has its turn, or is refused by an answer; never where it is gone by then
 */
export type Admit = (socket: StreamSocket, begun: () => void) => void

const { NGHTTP2_INTERNAL_ERROR, NGHTTP2_NO_ERROR, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants
/** Of an answer's head. Those of containers are 16 KiB at most, and get some of ours. */
const MAX_ANSWER_HEAD_BYTES = 64 * 1024
const HAS_NO_BODY = new Set([204, 205, 304])
const OF_A_CONNECTION = [
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/**
 * Makes one request by HTTP/1.1, over a connection of its own within this process, of a stream of HTTP/2. The client of Node
 * writes it and the server of Node reads it, so that neither takes a part of it for something else.
 * @param raw names and values of its head one after the other
 * @param isWhole whether no body follows
 */
export function passOn(stream: ServerHttp2Stream, raw: readonly string[], isWhole: boolean, ends: Ends, admit: Admit) {
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
    request.on('response', (response) => answer(stream, response, head.method === 'HEAD'))
    request.on('continue', () => {
      if (!stream.destroyed && !stream.headersSent) stream.additionalHeaders({ ':status': 100 })
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

function answer(stream: ServerHttp2Stream, response: IncomingMessage, isHead: boolean): void {
  if (stream.destroyed || stream.closed) return void response.destroy()
  const { statusCode: status = 502, headers } = response
  for (const name of OF_A_CONNECTION) delete headers[name]
  const endStream = isHead || HAS_NO_BODY.has(status)
  const told = tried(() => stream.respond({ ...headers, ':status': status }, { endStream }))
  if (told instanceof Error) return void stream.close(NGHTTP2_INTERNAL_ERROR)
  if (endStream) {
    response.resume()
    return void over(stream)
  }
  pipeline(response, stream, (error) => {
    if (!error) over(stream)
  })
}

/** The answer is out: what the client still sends is not read any more (RFC 9113, 8.1). */
function over(stream: ServerHttp2Stream): void {
  if (!stream.readableEnded) stream.close(NGHTTP2_NO_ERROR)
}

function refuse(stream: ServerHttp2Stream, { message }: Error): void {
  const error = { code: 'VALIDATION_ERROR', message: `This is no request: ${message}` }
  stream.respond({ ':status': 400, 'content-type': 'application/json' })
  stream.end(JSON.stringify({ success: false, error }), () => over(stream))
}

function tried<T>(make: () => T): T | Error {
  try {
    return make()
  } catch (error) {
    return error instanceof Error ? error : new HeadError(String(error))
  }
}
