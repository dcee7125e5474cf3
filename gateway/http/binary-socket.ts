import type { RawData, WebSocket } from 'ws'

/** Bytes on their way to the client before whoever sends waits. */
const HIGH_WATER_BYTES = 1024 * 1024

/** Bytes from the client that wait to be taken before it is read no further; a message counts for a little more than it has. */
const MAX_WAITING_BYTES = 256 * 1024
const MESSAGE_BYTES = 256

/** A WebSocket whose both directions wait for each other's reader. */
export interface BinarySocket {
  /** Resolves when there is room for the next. */
  send(data: Buffer | string): Promise<void>
  /** Hands over each message once the one before was taken; rejects where one was not, resolves at the end. */
  each(take: (data: RawData, isBinary: boolean) => Promise<void>): Promise<void>
}

/** Nothing is read of it before {@link BinarySocket.each}, so that nothing is missed. */
export function createBinarySocket(client: WebSocket): BinarySocket {
  client.pause()
  // What is no WebSocket message, or too long a one: it closes by itself, and nothing else may come of it.
  client.on('error', () => undefined)
  return {
    async send(data) {
      const sent = Promise.withResolvers<void>()
      client.send(data, (error) => (error ? sent.reject(error) : sent.resolve()))
      if (client.bufferedAmount > HIGH_WATER_BYTES) await sent.promise
      else sent.promise.catch(() => undefined) // the close tells
    },
    async each(take) {
      const over = Promise.withResolvers<void>()
      let last = Promise.resolve()
      let waitingBytes = 0
      client.on('message', (data, isBinary) => {
        const bytes = (data as Buffer).length + MESSAGE_BYTES
        waitingBytes += bytes
        if (waitingBytes > MAX_WAITING_BYTES) client.pause()
        last = last.then(async () => await take(data, isBinary))
        // After one that was not taken nothing is, but the other side's goodbye is still read.
        last.catch(over.reject).finally(() => {
          waitingBytes -= bytes
          if (client.isPaused && waitingBytes <= MAX_WAITING_BYTES) client.resume()
        })
      })
      client.once('close', () => last.then(over.resolve, over.reject))
      client.resume()
      await over.promise
    },
  }
}
