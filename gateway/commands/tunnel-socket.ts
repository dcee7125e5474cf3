import type { IncomingMessage } from 'node:http'
import { WebSocket } from 'ws'

/** The longest answer of a gateway that is shown, in bytes. */
const MAX_ANSWER_BYTES = 64 * 1024

/** Why a tunnel was not opened. */
export class TunnelRefusedError extends Error {
  override readonly name = 'TunnelRefusedError'
  /** The provider's reason, such as `PORT_NOT_EXPOSED`; undefined where it is the gateway's. */
  readonly reason: string | undefined

  constructor(message: string, reason?: string) {
    super(message)
    this.reason = reason
  }
}

/** A WebSocket to a job's port; where the gateway opens none, its `error` is a {@link TunnelRefusedError}. */
export function tunnelSocket(url: string, headers: Record<string, string>): WebSocket {
  const socket = new WebSocket(url, { headers, perMessageDeflate: false })
  socket.once('unexpected-response', (_request, response: IncomingMessage) => {
    void refusalOf(response).then((error) => socket.emit('error', error))
  })
  return socket
}

/** What a gateway says that opens no tunnel. */
async function refusalOf(response: IncomingMessage): Promise<TunnelRefusedError> {
  let text = ''
  try {
    for await (const chunk of response) {
      text += String(chunk)
      if (text.length > MAX_ANSWER_BYTES) break
    }
    const { error } = JSON.parse(text) as { error?: { message?: unknown; details?: { reason?: unknown } } }
    const reason = error?.details?.reason
    if (typeof error?.message === 'string') {
      return new TunnelRefusedError(error.message, typeof reason === 'string' ? reason : undefined)
    }
  } catch {
    // no answer of a gateway: its status is all there is to say
  }
  return new TunnelRefusedError(`the gateway answers ${response.statusCode}`)
}
