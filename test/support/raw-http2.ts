import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'

/** Types of frames (RFC 9113, 6). */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
}
/** Flags of frames. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8 }

/** One frame as it came. */
export interface RawFrame {
  type: number
  flags: number
  stream: number
  payload: Buffer
}

/** A client of HTTP/2 that says whatever it is told to, and opens no window by itself. */
export interface RawHttp2 {
  socket: TLSSocket
  send(...frames: Buffer[]): void
  /** All that came so far. */
  frames(): RawFrame[]
  /** The code of the GOAWAY that came; null where none did. */
  goaway(): number | null
  /** Resolves when the connection is gone. */
  ended: Promise<void>
}

/** A frame of any kind. */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
  length = payload.length,
): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(length, 0, 3)
  header.writeUInt8(type, 3)
  header.writeUInt8(flags, 4)
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

/** Four bytes. */
export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Headers as they are sent, none of them remembered. */
export function block(headers: [name: string, value: string][]): Buffer {
  return Buffer.concat(headers.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

/** What a request for a path at `localhost` begins with. */
export function get(path: string, more: [name: string, value: string][] = [], method = 'GET'): Buffer {
  return block([[':method', method], [':scheme', 'https'], [':authority', 'localhost'], [':path', path], ...more])
}

/** Not by Huffman's code. */
function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  const length = bytes.length < 127 ? [bytes.length] : [127, ...rest(bytes.length - 127)]
  return Buffer.concat([Buffer.from(length), bytes])
}

function rest(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...rest(Math.floor(value / 128))]
}

/** Connects, and sends preface and settings. @param settings payload of the first SETTINGS */
export async function openRawHttp2(port: number, settings: Buffer = Buffer.alloc(0)): Promise<RawHttp2> {
  const socket = connect({
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    rejectUnauthorized: false,
    ALPNProtocols: ['h2'],
  })
  socket.on('error', () => undefined)
  let bytes = Buffer.alloc(0)
  const came: RawFrame[] = []
  socket.on('data', (chunk) => {
    bytes = Buffer.concat([bytes, chunk])
    while (bytes.length >= 9) {
      const length = bytes.readUIntBE(0, 3)
      if (bytes.length < 9 + length) break
      const payload = Buffer.from(bytes.subarray(9, 9 + length))
      came.push({ type: bytes[3] ?? 0, flags: bytes[4] ?? 0, stream: bytes.readUInt32BE(5), payload })
      bytes = bytes.subarray(9 + length)
    }
  })
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  await once(socket, 'secureConnect')
  socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), frame(FRAME.settings, 0, 0, settings)]))
  return {
    socket,
    ended,
    frames: () => came,
    goaway: () => came.find(({ type }) => type === FRAME.goaway)?.payload.readUInt32BE(4) ?? null,
    send(...frames) {
      if (!socket.destroyed) socket.write(Buffer.concat(frames))
    },
  }
}
