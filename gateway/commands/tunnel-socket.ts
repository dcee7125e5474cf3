import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'
import { isLoopbackName } from '../http/loopback.ts'

/** The longest answer of a gateway that is shown, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Why a tunnel was not opened. */
export class TunnelRefusedError extends Error {
  override readonly name = 'TunnelRefusedError'
  /** The provider's reason, such as `PORT_NOT_EXPOSED`; undefined where it is the gateway's. */
  readonly reason: string | undefined
  /** Of HTTP. */
  readonly status: number

  constructor(message: string, { status, reason }: { status: number; reason?: string | undefined }) {
    super(message)
    this.status = status
    this.reason = reason
  }
}

/**
 * A WebSocket of this program to a gateway, uncompressed. Where nothing between could take what goes over it for something
 * else, over TLS and within this machine, its bytes go as they are: the mask of RFC 6455 is all zeros then, which `ws` at
 * both ends knows; byte by byte in JavaScript, it would cost more than all else.
 */
export function openSocket(url: string, headers: Record<string, string> = {}): WebSocket {
  const { protocol, hostname } = new URL(url)
  const isApart = protocol === 'wss:' || isLoopbackName(hostname)
  return new WebSocket(url, {
    headers,
    perMessageDeflate: false,
    ...(isApart ? { generateMask: (mask: Buffer) => void mask.fill(0) } : {}),
  })
}

/** A WebSocket to a job's port; where the gateway opens none, its `error` is a {@link TunnelRefusedError}. */
export function tunnelSocket(url: string, headers: Record<string, string>): WebSocket {
  const socket = openSocket(url, headers)
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    void refusalOf(response).then((error) => socket.emit('error', error))
  })
  return socket
}

/** What a gateway says that opens no tunnel. */
async function refusalOf(response: IncomingMessage): Promise<TunnelRefusedError> {
  const { statusCode: status = 0 } = response
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MAX_ANSWER_BYTES) break
    }
  } catch {
    // what came of it is all there is to read
  }
  const told = errorIn(text)
  if (told !== null) return new TunnelRefusedError(told.message, { status, reason: told.reason })
  return new TunnelRefusedError(`the gateway answers ${status}`, { status })
}

/** What a gateway says of an error; null where it is no answer of one. */
export function errorIn(text: string): { message: string; reason: string | undefined } | null {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown; details?: { reason?: unknown } } }
    const reason = error?.details?.reason
    if (typeof error?.message !== 'string') return null
    return { message: error.message, reason: typeof reason === 'string' ? reason : undefined }
  } catch {
    return null
  }
}
