import { type RawData, WebSocket } from 'ws'
import { CliError } from '../../node/commands/cli-error.ts'
import { writeRaw } from '../../node/commands/print.ts'
import type { CortexClient } from '../client/index.ts'
import { openSocket } from './tunnel-socket.ts'

/** How a command is run. */
export interface ExecStyle {
  /** Sends it what is typed or piped in. */
  interactive?: true
  /** Gives it a terminal. */
  tty?: true
}

/** Bytes on their way to the gateway before input is read no further, and from it before its messages are. */
const HIGH_WATER_BYTES = 256 * 1024

/** Runs a command in a job's container with this terminal; answers its exit code. */
export async function execInJob(
  client: CortexClient,
  id: string,
  command: string[],
  options: ExecStyle,
): Promise<number> {
  const terminal = options.tty === true
  const isTyped = options.interactive === true && process.stdin.isTTY
  // A terminal has no end of input, so what is piped in would be waited behind for ever.
  if (terminal && options.interactive === true && !isTyped) {
    throw new CliError('-t needs a terminal to type at, and the input is none: leave it out to pipe something in', 1)
  }
  const { columns, rows } = process.stdout
  const size = terminal && columns > 0 && rows > 0 ? { columns, rows } : {}
  const { url } = await client.jobs.openExec(id, { command, terminal, ...size })
  const socket = openSocket(url)
  const restore = terminal && isTyped ? rawTerminal() : () => undefined
  const resize = (): void =>
    send(socket, { type: 'resize', columns: process.stdout.columns, rows: process.stdout.rows })
  socket.once('open', () => {
    if (options.interactive === true) sendInput(socket)
    else send(socket, { type: 'end' })
    if (terminal && process.stdout.isTTY) process.stdout.on('resize', resize)
  })
  try {
    return await untilExit(socket)
  } finally {
    process.stdout.off('resize', resize)
    process.stdin.pause()
    restore()
    // What is on its way to a command that has ended would be waited for.
    socket.terminate()
  }
}

async function untilExit(socket: WebSocket): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  let unwrittenBytes = 0
  socket.on('message', (data: RawData, isBinary: boolean) => {
    if (isBinary) {
      const bytes = data as Buffer
      unwrittenBytes += bytes.length
      if (unwrittenBytes > HIGH_WATER_BYTES) socket.pause()
      void writeRaw(bytes[0] === 2 ? 'stderr' : 'stdout', bytes.subarray(1)).then(() => {
        unwrittenBytes -= bytes.length
        if (socket.isPaused && unwrittenBytes <= HIGH_WATER_BYTES) socket.resume()
      })
      return
    }
    const message = JSON.parse(String(data)) as { type: string; exitCode?: number; error?: { message: string } }
    if (message.type === 'exit') resolve(message.exitCode ?? 0)
    else reject(new CliError(message.error?.message ?? 'The gateway broke off', 1))
  })
  socket.once('error', (cause) => reject(new CliError(`The connection failed (${cause.message})`, 1, { cause })))
  socket.once('close', () => reject(new CliError('The connection was lost: the command may still run', 1)))
  return await promise
}

function sendInput(socket: WebSocket): void {
  process.stdin.on('data', (chunk: Buffer) => {
    socket.send(chunk, (error) => {
      // Where the command has ended, what reads on would keep this program.
      if (error || socket.readyState !== WebSocket.OPEN) return
      if (socket.bufferedAmount <= HIGH_WATER_BYTES) process.stdin.resume()
    })
    if (socket.bufferedAmount > HIGH_WATER_BYTES) process.stdin.pause()
  })
  process.stdin.once('end', () => send(socket, { type: 'end' }))
}

function send(socket: WebSocket, message: object): void {
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message))
}

/** Every key goes to the command, Ctrl-C too. Answers how to undo it. */
function rawTerminal(): () => void {
  process.stdin.setRawMode(true)
  return () => process.stdin.setRawMode(false)
}
