import { type Duplex, duplexPair } from 'node:stream'
import { packetsOf } from '../../../../../node/ssh/sftp/packets.ts'

/** An answer as it came. */
export interface Answer {
  type: number
  id: number
  /** Of a status. */
  status: number | null
  /** Behind the id. */
  rest: Buffer
}

/** A client that sends whatever it is told to. */
export interface RawClient {
  stream: Duplex
  /** The server's side. */
  served: Duplex
  send(type: number, ...fields: Buffer[]): void
  /** The next answer; null where the server has ended the stream. */
  next(): Promise<Answer | null>
  /** Sends a request, and answers what comes next. */
  ask(type: number, ...fields: Buffer[]): Promise<Answer>
}

/** Four bytes. */
export function number(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** Eight bytes. */
export function long(value: bigint): Buffer {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(value)
  return bytes
}

/** Bytes behind their length. */
export function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string)
  return Buffer.concat([number(bytes.length), bytes])
}

/** Neither connected to a server yet, nor has it said anything. */
export function rawClient(): RawClient {
  const [stream, served] = duplexPair()
  const packets = packetsOf(stream)
  let id = 0
  const send = (type: number, ...fields: Buffer[]): void => {
    const body = Buffer.concat([Buffer.of(type), ...fields])
    stream.write(Buffer.concat([number(body.length), body]))
  }
  const next = async (): Promise<Answer | null> => {
    const { value } = await packets.next()
    if (value === undefined) return null
    const type = value.readUInt8(0)
    const status = type === 101 ? value.readUInt32BE(5) : null
    return { type, id: value.readUInt32BE(1), status, rest: value.subarray(5) }
  }
  return {
    ...{ stream, served, send, next },
    async ask(type, ...fields) {
      id += 1
      send(type, number(id), ...fields)
      const answer = await next()
      if (answer?.id !== id) throw new Error(`Answered ${answer?.id}, asked ${id}`)
      return answer
    },
  }
}
