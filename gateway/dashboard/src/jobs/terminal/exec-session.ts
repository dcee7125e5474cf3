import { TAKEN_CLOSE } from '../../../../contract/exec-closes.ts'

/** How a command's connection ended. */
export type ExecEnd =
  | { type: 'exited'; exitCode: number }
  /** The gateway's word for what went wrong. */
  | { type: 'refused'; message: string }
  /** Nobody said anything: the command may still run. */
  | { type: 'lost' }
  | { type: 'closed' }
  /** Another page goes on with it. */
  | { type: 'taken' }

/** What of a WebSocket is used; the browser's own fits. */
export interface ExecSocket {
  binaryType: string
  readonly readyState: number
  onopen: ((event: never) => void) | null
  onmessage: ((event: never) => void) | null
  onclose: ((event: never) => void) | null
  send(data: string | Uint8Array<ArrayBuffer>): void
  close(): void
}

/** Who is told what comes of a command. */
export interface ExecHandlers {
  onOpen(): void
  /** @param code of another socket to the command, for within a minute after this one is lost */
  onKept(code: string): void
  /** @param done to be called when it is shown */
  onOutput(data: Uint8Array, done: () => void): void
  /** Called once. */
  onEnd(end: ExecEnd): void
}

/**
 * Output that may wait to be shown, in bytes, before more is left out. A browser cannot make the other side of a
 * WebSocket wait, and a terminal shows less in a second than `yes` writes.
 */
export const MAX_WAITING_BYTES = 4 * 1024 * 1024

/** The sign that begins each piece of output: stdout or stderr, which a terminal shows alike. */
const STREAM_BYTES = 1
const OPEN = 1

/** Ends an order to the terminal that was cut, and its colours. */
const SOUND_AGAIN = '\x18\x1b[0m\r\n'

/**
 * A command's connection, from its socket until its end; see the API's document of `POST …/exec`.
 *
 * @param init.isAgain whether the socket goes on with a command: nothing is input before what is told again is shown
 */
export function createExecSession(
  socket: ExecSocket,
  { onOpen, onKept, onOutput, onEnd }: ExecHandlers,
  { isAgain = false } = {},
) {
  /** What is told again asks the terminal again what it answered before: nothing of that is input. */
  let isToldAgain = isAgain
  let waiting = 0
  let leftOut = 0
  let hasEnded = false

  function end(how: ExecEnd): void {
    if (hasEnded) return
    hasEnded = true
    onEnd(how)
  }

  function show(data: Uint8Array): void {
    waiting += data.length
    onOutput(data, () => {
      waiting -= data.length
    })
  }

  function take(data: Uint8Array): void {
    if (waiting + data.length > MAX_WAITING_BYTES) {
      leftOut += data.length
      return
    }
    if (leftOut > 0) {
      show(new TextEncoder().encode(`${SOUND_AGAIN}[${leftOut} bytes came too fast to be shown]\r\n`))
      leftOut = 0
    }
    show(data)
  }

  function tell(message: object): void {
    if (socket.readyState === OPEN) socket.send(JSON.stringify(message))
  }

  socket.binaryType = 'arraybuffer'
  socket.onopen = onOpen
  socket.onmessage = ({ data }: { data: unknown }) => {
    if (data instanceof ArrayBuffer) take(new Uint8Array(data, Math.min(STREAM_BYTES, data.byteLength)))
    else {
      const message = read(String(data))
      if (message.type === 'kept') onKept(message.code)
      else if (message.type === 'told') {
        onOutput(new Uint8Array(), () => {
          isToldAgain = false
        })
      } else end(message)
    }
  }
  socket.onclose = ({ code }: { code?: number }) => end({ type: code === TAKEN_CLOSE ? 'taken' : 'lost' })

  return {
    write(data: Uint8Array<ArrayBuffer>): void {
      if (socket.readyState === OPEN && !isToldAgain) socket.send(data)
    },
    resize: (columns: number, rows: number) => tell({ type: 'resize', columns, rows }),
    /** Lets the connection go; the gateway then ends the command. */
    close(): void {
      end({ type: 'closed' })
      socket.close()
    },
  }
}

/** What {@link createExecSession} makes. */
export type OpenExec = ReturnType<typeof createExecSession>

function read(text: string): ExecEnd | { type: 'kept'; code: string } | { type: 'told' } {
  try {
    const message = JSON.parse(text) as Record<'type' | 'exitCode' | 'code', unknown> & {
      error?: { message?: unknown }
    }
    if (message.type === 'kept') return { type: 'kept', code: String(message.code) }
    if (message.type === 'told') return { type: 'told' }
    if (message.type === 'exit') return { type: 'exited', exitCode: Number(message.exitCode) }
    return { type: 'refused', message: String(message.error?.message ?? 'The gateway broke off') }
  } catch {
    return { type: 'refused', message: 'The gateway sent what this page does not know: load it again' }
  }
}
