import { type IncomingMessage, ServerResponse } from 'node:http'

/**
 * Sends the bytes of headers as they are. Node writes them as UTF-8 where it sends them together with text, so that a
 * container's `filename="ü"` would arrive as something else (Node 22 to 24).
 */
export class ExactResponse<Request extends IncomingMessage = IncomingMessage> extends ServerResponse<Request> {
  override flushHeaders(): void {
    if (!this.headersSent) this.write(Buffer.alloc(0))
  }

  // biome-ignore lint/suspicious/noExplicitAny: Node's overloads, passed on
  override write(chunk: any, ...rest: any[]): boolean {
    return super.write(bytesOf(chunk, rest), ...(rest as []))
  }

  // biome-ignore lint/suspicious/noExplicitAny: likewise
  override end(chunk?: any, ...rest: any[]): this {
    return super.end(bytesOf(chunk, rest), ...(rest as []))
  }
}

function bytesOf(chunk: unknown, [encoding]: unknown[]): unknown {
  if (typeof chunk !== 'string') return chunk
  return Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
}
