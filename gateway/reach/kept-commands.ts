import { randomBytes } from 'node:crypto'
import type { ExecSession } from '../../node/reach/index.ts'
import type { Principal } from '../http/principal.ts'

/** How long a command waits for who lost the socket to it, in ms: a page that is loaded anew, a network that changes. */
export const KEPT_MS = 60_000
/** Of what it wrote last, this much is told to who comes back, in bytes. */
export const MAX_TOLD_BYTES = 256 * 1024
/** And in so many messages, since each costs more than its bytes; output is joined into pieces of so many bytes. */
export const MAX_TOLD_MESSAGES = 256
const PIECE_BYTES = 16 * 1024
/** Commands that wait for somebody at a time: of one owner, and in all. The one that waits longest goes first. */
export const MAX_WAITING = { owner: 8, all: 512 }

/** What of a socket to a command is used. */
export interface CommandSocket {
  /** Resolves when there is room for the next. */
  send(data: Buffer | string): Promise<void>
  /** @param isTaken whether another socket goes on with the command */
  close(isTaken: boolean): void
}

interface Command {
  jobId: string
  principal: Principal
  session: Pick<ExecSession, 'write' | 'resize' | 'end'>
}

/** A command that outlives its socket. */
export interface KeptCommand extends Command {
  /** Says it to the socket that is there, when that has room, and to one that comes. */
  tell(message: Buffer | string): Promise<void>
  /** Gives it another socket, in place of the one before, and tells that what was told last, and where that ends. */
  attach(socket: CommandSocket): void
  /** A socket is gone. @param isMeant whether nobody is to come back */
  leave(socket: CommandSocket, isMeant: boolean): void
  /** Nothing more is told. */
  finish(): void
}

/** Commands that wait for a minute for who lost the socket to them. */
export interface KeptCommands {
  /** @param end lets go of the command: nobody came back, or is to, or others need the room */
  keep(command: Command, end: () => void): KeptCommand
  /** What a code stands for, without using it up. */
  find(code: string): KeptCommand | undefined
  /** What a code stands for, once. */
  redeem(code: string): KeptCommand | undefined
  /** How many wait. */
  waiting(): number
}

/** @param later calls back after so many ms; answers how to leave that */
export function createKeptCommands(later: (ms: number, callback: () => void) => () => void = timer): KeptCommands {
  const byCode = new Map<string, KeptCommand>()
  /** Owners of those that wait, and how each is ended. */
  const waiting = new Map<() => void, string>()

  function makeRoom(owner: string): void {
    const all = [...waiting]
    const own = all.filter(([, whose]) => whose === owner)
    const [oldest] = own.length >= MAX_WAITING.owner ? own : all.length >= MAX_WAITING.all ? all : []
    oldest?.[0]()
  }

  return {
    keep(of, end) {
      const told = createTail()
      let socket: CommandSocket | null = null
      let code = ''
      let isFinished = false
      let stopWaiting = (): void => undefined

      function over(): void {
        stopWaiting()
        byCode.delete(code)
        end()
      }

      const command: KeptCommand = {
        ...of,
        async tell(message) {
          told.add(message)
          // Who has just gone comes back, or not: it is told then.
          await socket?.send(message).catch(() => undefined)
        },
        attach(next) {
          stopWaiting()
          socket?.close(true)
          socket = next
          byCode.delete(code)
          code = randomBytes(24).toString('base64url')
          byCode.set(code, command)
          // Too little for a socket to ask for a pause.
          for (const message of [JSON.stringify({ type: 'kept', code }), ...told.all(), TOLD]) {
            next.send(message).catch(() => undefined) // its close tells
          }
          if (isFinished) next.close(false)
        },
        leave(left, isMeant) {
          if (socket !== left) return
          socket = null
          if (isMeant) {
            over()
            return
          }
          makeRoom(of.principal.owner)
          const stop = later(KEPT_MS, over)
          stopWaiting = () => {
            stop()
            waiting.delete(over)
          }
          waiting.set(over, of.principal.owner)
        },
        finish() {
          isFinished = true
          if (socket === null) return // who comes back within the minute hears how it ended
          byCode.delete(code)
          socket.close(false)
          socket = null
        },
      }
      return command
    },
    find: (code) => byCode.get(code),
    redeem(code) {
      const command = byCode.get(code)
      byCode.delete(code)
      return command
    },
    waiting: () => waiting.size,
  }
}

/** Ends what is told again. */
const TOLD = JSON.stringify({ type: 'told' })

/** The last messages, as many as {@link MAX_TOLD_BYTES} and {@link MAX_TOLD_MESSAGES} hold; neighbours of one stream are one. */
function createTail() {
  const pieces: { message: Buffer | string; length: number }[] = []
  let bytes = 0

  /** Whether a message fitted into the last piece. */
  function join(message: Buffer): boolean {
    const last = pieces.at(-1)
    if (!Buffer.isBuffer(last?.message) || last.message[0] !== message[0]) return false
    const data = message.subarray(1) // after the byte of its stream
    const length = last.length + data.length
    if (length > PIECE_BYTES) return false
    if (length > last.message.length) last.message = copyOf(last.message, Math.min(PIECE_BYTES, length * 2))
    data.copy(last.message, last.length)
    last.length = length
    bytes += data.length
    return true
  }

  return {
    add(message: Buffer | string): void {
      const isOutput = Buffer.isBuffer(message)
      if (!isOutput || !join(message)) {
        const { length } = message
        pieces.push({ message: isOutput ? copyOf(message, length) : message, length })
        bytes += length
      }
      shorten()
    },
    all: (): (Buffer | string)[] =>
      pieces.map(({ message, length }) => (Buffer.isBuffer(message) ? message.subarray(0, length) : message)),
  }

  function shorten(): void {
    while ((bytes > MAX_TOLD_BYTES || pieces.length > MAX_TOLD_MESSAGES) && pieces.length > 1) {
      bytes -= pieces.shift()?.length ?? 0
    }
  }
}

/** In memory of its own: a part of Node's pool would hold all of that. */
function copyOf(data: Buffer, bytes: number): Buffer {
  const copy = Buffer.alloc(bytes)
  data.copy(copy)
  return copy
}

function timer(ms: number, callback: () => void): () => void {
  const timeout = setTimeout(callback, ms)
  timeout.unref()
  return () => clearTimeout(timeout)
}
