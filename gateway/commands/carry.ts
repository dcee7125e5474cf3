import type { Socket } from 'node:net'
import type { RawData } from 'ws'
import { say } from '../../node/commands/print.ts'
import { END, OVER } from '../http/socket-stream.ts'
import { HIGH_WATER_BYTES } from './forward-listener.ts'
import type { TunnelLine } from './tunnel-lines.ts'
import { errorIn } from './tunnel-socket.ts'

/** How long the gateway may take to pass on what was sent over a connection that both sides have ended, in ms. */
const LINGER_MS = 60_000

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
  // Not as if it had ended: whoever reads would take the part for the whole.
  socket.resetAndDestroy()
}

function join(socket: Socket, { socket: tunnel, begin, giveBack }: TunnelLine): void {
  const hasEnded = { here: false, there: false }
  let isOver = false
  let lingering: NodeJS.Timeout | undefined
  const resume = (): void => tunnel.resume()
  const free = (): void => {
    isOver = true
    clearTimeout(lingering)
    tunnel.off('message', hear).off('close', close)
    // What it was told last waits here for its reader, and the next connection for nobody.
    socket.off('drain', resume)
    resume()
    giveBack?.()
  }
  const hear = (data: RawData, isBinary: boolean): void => {
    if (isBinary) {
      if (socket.write(data as Buffer) || tunnel.isPaused) return
      tunnel.pause()
      socket.once('drain', resume)
    } else if (String(data) === END) {
      socket.end()
      hasEnded.there = true
    } else if (String(data) === OVER) {
      free()
    } else {
      fail(socket, errorIn(String(data))?.message ?? 'the gateway broke off')
    }
  }
  const close = (): void => {
    clearTimeout(lingering)
    // Where both halves have ended it closes by itself, and where one has, what it was told is still on its way.
    if (!socket.writableEnded) socket.resetAndDestroy()
    else if (!socket.readableEnded) socket.destroySoon()
  }
  tunnel.on('message', hear).on('close', close)
  socket.on('data', (chunk: Buffer) => {
    tunnel.send(chunk, () => {
      if (tunnel.bufferedAmount <= HIGH_WATER_BYTES) socket.resume()
    })
    if (tunnel.bufferedAmount > HIGH_WATER_BYTES) socket.pause()
  })
  const end = (): void => {
    if (tunnel.readyState !== tunnel.OPEN) return
    tunnel.send(END)
    hasEnded.here = true
  }
  socket.once('close', () => {
    if (isOver) return
    // Where both have ended, what was sent last is still on its way.
    if (giveBack === undefined || !hasEnded.here || !hasEnded.there) tunnel.terminate()
    else lingering = setTimeout(() => tunnel.terminate(), LINGER_MS).unref()
  })
  begin()
  // One that said nothing and ended before there was a line has told so to nobody.
  if (socket.readableEnded) end()
  else socket.once('end', end)
  socket.resume()
}
