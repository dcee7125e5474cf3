import type { Socket } from 'node:net'
import type { RawData } from 'ws'
import { say } from '../../node/commands/print.ts'
import { END } from '../http/socket-stream.ts'
import { HIGH_WATER_BYTES } from './forward-listener.ts'
import type { TunnelLine } from './tunnel-lines.ts'

/** Joins a local connection to a job's port once there is a line; each direction waits for the other's reader, and ends by itself. */
export function carry(socket: Socket, opening: Promise<TunnelLine>): void {
  socket.pause()
  socket.on('error', () => undefined) // its close is what counts
  opening.then(
    (line) => {
      if (socket.destroyed) leave(line)
      else join(socket, line)
    },
    (error: Error) => fail(socket, error.message),
  )
}

function leave({ socket, giveBack }: TunnelLine): void {
  if (giveBack === undefined) socket.terminate()
  else giveBack()
}

function fail(socket: Socket, problem: string): void {
  say(`a connection failed: ${problem}`)
  socket.destroy()
}

function join(socket: Socket, { socket: tunnel, begin, giveBack }: TunnelLine): void {
  const hasEnded = { here: false, there: false }
  let isOver = false
  const endIfOver = (): void => {
    if (giveBack === undefined || !hasEnded.here || !hasEnded.there) return
    isOver = true
    tunnel.off('message', hear).off('close', close)
    giveBack()
  }
  const hear = (data: RawData, isBinary: boolean): void => {
    if (isBinary) {
      if (socket.write(data as Buffer)) return
      tunnel.pause()
      socket.once('drain', () => tunnel.resume())
    } else if (String(data) === END) {
      socket.end()
      hasEnded.there = true
      endIfOver()
    } else {
      fail(socket, problemIn(String(data)))
    }
  }
  const close = (): void => {
    // Where both halves have ended it closes by itself, and where one has, what it was told is still on its way.
    if (!socket.writableEnded) socket.destroy()
    else if (!socket.readableEnded) socket.destroySoon()
  }
  tunnel.on('message', hear).on('close', close)
  socket.on('data', (chunk: Buffer) => {
    tunnel.send(chunk, () => {
      if (tunnel.bufferedAmount <= HIGH_WATER_BYTES) socket.resume()
    })
    if (tunnel.bufferedAmount > HIGH_WATER_BYTES) socket.pause()
  })
  socket.once('end', () => {
    if (tunnel.readyState !== tunnel.OPEN) return
    tunnel.send(END)
    hasEnded.here = true
    endIfOver()
  })
  socket.once('close', () => {
    if (!isOver) tunnel.terminate()
  })
  begin()
  socket.resume()
}

/** What a gateway says of a connection that it cannot carry, or no further. */
function problemIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: { message?: unknown } }
    if (typeof error?.message === 'string') return error.message
  } catch {
    // no answer of a gateway
  }
  return 'the gateway broke off'
}
