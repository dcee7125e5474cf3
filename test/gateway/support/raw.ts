import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A connection that speaks HTTP by hand. */
export interface Raw {
  socket: Socket
  /** All that came so far. */
  text(): string
  /** What came, once the other side has closed. */
  ended(): Promise<string>
  /** What came, once there is an answer's head and its body, or the end. */
  answered(): Promise<string>
  send(text: string): void
}

/** @param text sent at once */
export async function openRaw(url: string, text = '', localAddress = '127.0.0.1'): Promise<Raw> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname === 'localhost' ? '127.0.0.1' : hostname, port: Number(port), localAddress })
  let got = ''
  socket.on('data', (chunk: Buffer) => {
    got += chunk
  })
  socket.on('error', () => undefined) // the close tells
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'connect')
  if (text !== '') socket.write(text)
  return {
    socket,
    text: () => got,
    async ended() {
      await closed
      return got
    },
    async answered() {
      for (;;) {
        const [, head, body] = /^(HTTP\/1\.1 .*?)\r\n\r\n(.*)$/s.exec(got) ?? []
        const length = /^content-length: (\d+)/im.exec(head ?? '')?.[1]
        if (length !== undefined && (body ?? '').length >= Number(length)) return got
        if (socket.closed) return got
        await Promise.race([once(socket, 'data').catch(() => undefined), closed])
      }
    },
    send: (more) => void socket.write(more),
  }
}

/** A request's text. */
export function requestText(method: string, path: string, headers: Record<string, string> = {}, body = ''): string {
  const all = { Host: 'localhost', ...(body === '' ? {} : { 'Content-Length': String(body.length) }), ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return [`${method} ${path} HTTP/1.1`, ...lines, '', body].join('\r\n')
}
