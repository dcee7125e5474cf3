import { Duplex } from 'node:stream'
import type { RawData, WebSocket } from 'ws'
import type { BinarySocket } from './binary-socket.ts'

/** Bytes of one message, at most: a gateway takes 1 MiB, and a channel of SSH hands over 2 MiB at once. */
const MAX_MESSAGE_BYTES = 256 * 1024

/** The text message with which either side says that it sends no more. */
export const END = 'end'

/** The text message with which a gateway says that all of a connection went, and that the next over its socket may begin. */
export const OVER = 'over'

/** As many messages as it takes. */
export async function sendAll(socket: BinarySocket, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; at += MAX_MESSAGE_BYTES) {
    await socket.send(Buffer.from(data.subarray(at, at + MAX_MESSAGE_BYTES)))
  }
}

/** A WebSocket as a stream: binary messages are pieces of it, the text {@link END} is the end of one direction. */
export function streamOfSocket(client: WebSocket, socket: BinarySocket): Duplex {
  let wanted = Promise.withResolvers<void>()
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => wanted.resolve(),
    write: (chunk: Buffer, _encoding, done) => void sendAll(socket, chunk).then(() => done(), done),
    final: (done) => void socket.send(END).then(() => done(), done),
    destroy(error, done) {
      wanted.resolve()
      // What was written before a proper end is still on its way.
      if (stream.readableEnded && stream.writableFinished) client.close(1000)
      else client.terminate()
      done(error)
    },
  })
  const take = async (data: RawData, isBinary: boolean): Promise<void> => {
    if (!isBinary) return void stream.push(null)
    wanted = Promise.withResolvers<void>()
    if (!stream.push(data as Buffer)) await wanted.promise
  }
  socket.each(take).then(
    () => stream.destroy(),
    (error: Error) => stream.destroy(error),
  )
  return stream
}
