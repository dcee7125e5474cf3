import { randomBytes } from 'node:crypto'
import type { ServerChannel, Session } from 'ssh2'
import { MAX_TERMINAL_SIZE } from '../../../protocol/limits.ts'
import type { ExecSession } from '../../reach/index.ts'
import type { ServeSftp, SshTarget } from '../index.ts'
import { type Carrier, carried } from './carry.ts'
import { newestOfEach } from './newest.ts'
import { createSignals } from './signals.ts'
import { EXIT_FAILED, told } from './told.ts'
import { commandWords, createVariables, isTooLong } from './words.ts'

/** What a session works with. */
export interface SessionComponents<T extends SshTarget> {
  target: T
  carrier: Carrier
  sftp: ServeSftp<T> | undefined
  /** Aborts when the connection is over. */
  signal: AbortSignal
}

/** By which a terminal says that nothing more comes. */
const END_OF_INPUT = '\x04'

interface Size {
  columns: number
  rows: number
}

/**
 * Serves one session: a shell, a command, or files.
 * @param onEnd called once when it is over
 * @returns how many bytes of its client nobody has taken yet
 */
export function serveSession<T extends SshTarget>(
  session: Session,
  { target, carrier, sftp, signal: connection }: SessionComponents<T>,
  onEnd: () => void,
): () => number {
  const over = new AbortController()
  const signal = AbortSignal.any([connection, over.signal])
  const variables = createVariables()
  const id = randomBytes(8).toString('hex')
  let terminal: Size | null = null
  let running: ExecSession | null = null
  let input: ServerChannel | null = null
  const signals = createSignals(target, id, signal)
  // What has ended has no size any more.
  const resize = newestOfEach<Size>(async ({ columns, rows }) => await running?.resize(columns, rows))

  const end = (): void => over.abort(new Error('The session has ended'))
  signal.addEventListener('abort', onEnd, { once: true })
  session.once('close', end)

  session.on('pty', (accept, _reject, { term, cols, rows }) => {
    terminal = sizeOf(cols, rows)
    variables.set('TERM', /^[\x21-\x7e]{1,64}$/.test(term) ? term : 'dumb')
    accept?.()
  })
  session.on('window-change', (accept, _reject, { cols, rows }) => {
    terminal &&= sizeOf(cols, rows)
    if (terminal !== null) resize('', terminal)
    accept?.()
  })
  session.on('env', (accept, reject, { key, val }) => {
    if (variables.set(key, val)) accept?.()
    else reject?.()
  })
  session.on('signal', (accept, reject, { name }) => {
    const isSent = running !== null && signals.send(name, { command: running, hasTerminal: terminal !== null })
    if (isSent) accept?.()
    else reject?.()
  })
  session.on('shell', (accept) => void run(accept(), null))
  session.on('exec', (accept, _reject, { command }) => void run(accept(), command))
  if (sftp !== undefined) {
    // Not by the library's own event: it would read requests as fast as they come.
    session.on('subsystem', (accept, reject, { name }) => {
      if (name !== 'sftp') return reject()
      const channel: ServerChannel | undefined = accept()
      if (channel === undefined) return // the session ended before it began
      input = channel
      channel.once('close', end).on('error', end)
      void serveFiles(channel, { target, carrier, signal }, sftp)
    })
  }

  async function run(channel: ServerChannel | undefined, command: string | null): Promise<void> {
    if (channel === undefined) return // the session ended before it began
    input = channel
    channel.once('close', end).on('error', end)
    channel.stderr.on('error', end)
    try {
      const exitCode = await outcome(channel, command)
      const name = signals.nameOf(exitCode)
      if (name === undefined) channel.exit(exitCode)
      else channel.exit(name)
    } catch (error) {
      if (!signal.aborted) {
        const { line, exitCode } = told(error)
        await carrier.write(channel.stderr, Buffer.from(`cortex: ${line}\r\n`), signal).catch(() => undefined)
        channel.exit(exitCode)
      }
    } finally {
      running?.close()
      channel.end()
      // It closes when its client says so, too; one that never does ends with its connection.
    }
  }

  async function outcome(channel: ServerChannel, command: string | null): Promise<number> {
    if (command !== null && isTooLong(command)) throw told.tooLong()
    const words = commandWords(command, variables.all(), id)
    const size = terminal === null ? {} : { terminal: true, ...terminal }
    running = await target.exec({ command: words, input: true, ...size }, signal)
    const current = running
    const onAbort = (): void => current.close()
    signal.addEventListener('abort', onAbort, { once: true })
    signal.throwIfAborted()
    // Input that its command does not take any more is left; what the output breaks with is told.
    sendInput(channel, current).catch(() => undefined)
    for await (const event of current.output()) {
      if (event.type === 'exited') return event.exitCode
      await carrier.write(event.type === 'stderr' ? channel.stderr : channel, event.data, signal)
    }
    return EXIT_FAILED
  }

  async function sendInput(channel: ServerChannel, command: ExecSession): Promise<void> {
    for await (const chunk of carrier.read(channel)) await command.write(chunk)
    if (terminal === null) await command.end()
    else await command.write(Buffer.from(END_OF_INPUT))
  }

  return () => input?.readableLength ?? 0
}

async function serveFiles<T extends SshTarget>(
  channel: ServerChannel,
  { target, carrier, signal }: Omit<SessionComponents<T>, 'sftp'>,
  serve: ServeSftp<T>,
): Promise<void> {
  const stream = carried(channel, carrier, signal)
  try {
    await serve(stream, target, signal)
    channel.exit(0)
  } catch (error) {
    // What its client does not speak, or a job that is not there.
    if (!signal.aborted) {
      const line = Buffer.from(`cortex: ${told(error).line}\r\n`)
      await carrier.write(channel.stderr, line, signal).catch(() => undefined)
    }
    channel.exit(EXIT_FAILED)
  } finally {
    stream.destroy()
    channel.end()
  }
}

function sizeOf(columns: number, rows: number): Size {
  const within = (size: number): number => Math.min(Math.max(0, Math.trunc(size)), MAX_TERMINAL_SIZE)
  return { columns: within(columns) || 80, rows: within(rows) || 24 }
}
