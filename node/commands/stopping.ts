/**
 * What ends a command from outside: a signal, or a reader of its output that has gone. A command that has something to
 * finish first registers with {@link onStop}; the others end at once, without a word.
 */

import { CliError, INTERRUPTED } from './cli-error.ts'
import { say } from './print.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const

/** What asked a command to end: a signal, its output that nobody reads, or the end of a program that has a channel to it. */
export type StopReason = (typeof SIGNALS)[number] | 'the output is gone' | 'who started it is gone'

/** Exit code of a program whose reader has gone: what a shell shows for SIGPIPE. */
const BROKEN_PIPE = 141

const handlers = new Set<(reason: StopReason) => void>()
let asked = false
let gone: 'closed' | 'failed' | null = null

/** Whether stdout takes no more: its reader has gone, or it cannot be written. */
export function isOutputGone(): boolean {
  return gone !== null
}

/** Whether stdout could not be written though somebody wanted it, as on a full disk. */
export function isOutputLost(): boolean {
  return gone === 'failed'
}

/**
 * Calls back at the first SIGINT, SIGTERM, SIGHUP or SIGQUIT, or when nobody reads the output any more; a second signal
 * ends the process at once, with 130. Answers how to let go.
 */
export function onStop(handler: (reason: StopReason) => void): () => void {
  if (handlers.size === 0) {
    for (const signal of SIGNALS) process.on(signal, onSignal)
    process.on('disconnect', onDisconnect)
    // The channel keeps no process that has nothing else to do.
    process.channel?.unref()
  }
  handlers.add(handler)
  return () => {
    handlers.delete(handler)
    if (handlers.size > 0) return
    for (const signal of SIGNALS) process.off(signal, onSignal)
    process.off('disconnect', onDisconnect)
  }
}

/** Resolves at the first reason to stop. */
export async function untilStopped(): Promise<StopReason> {
  // Not let go of: what follows is the stopping, and a second signal is to break it off.
  return await new Promise((resolve) => void onStop(resolve))
}

/**
 * The same from before a start: what a process has made elsewhere that dies of a signal, nobody puts away. The start is to
 * end early where `signal` aborts, whose reason ends the command without an error.
 */
export function heedStop(): { signal: AbortSignal; stopped: Promise<StopReason> } {
  const scope = new AbortController()
  const stopped = untilStopped()
  void stopped.then((reason) => scope.abort(new CliError(`${reason}: ended before it was up`, 0)))
  return { signal: scope.signal, stopped }
}

function onSignal(signal: NodeJS.Signals): void {
  // A terminal that closes says so more than once: by itself and by its shell.
  if (!asked) stop(signal as StopReason)
  else if (signal !== 'SIGHUP') process.exit(INTERRUPTED)
}

function onDisconnect(): void {
  stop('who started it is gone')
}

function stop(reason: StopReason): void {
  if (asked) return
  asked = true
  for (const handler of handlers) handler(reason)
}

/** From here on a reader that goes ends the command as {@link onStop} says, or quietly. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    gone = error.code === 'EPIPE' ? 'closed' : 'failed'
    if (error.code !== 'EPIPE' && !asked)
      say(`cortex: cannot write the output (${error.code}): make room where it goes`)
    if (handlers.size > 0) stop('the output is gone')
    else process.exit(error.code === 'EPIPE' ? BROKEN_PIPE : 1)
  })
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    // A full disk or a terminal that is gone takes only what is said beside the work.
    if (error.code !== 'EPIPE') return
    if (handlers.size > 0) stop('the output is gone')
    else process.exit(BROKEN_PIPE)
  })
}

/** The size that a terminal has which knows none, as one over a serial line or of some recorders. */
const SIZE = { columns: 80, rows: 24 } as const

/** Libraries divide by the width of a terminal: it is never 0 from here on. */
export function giveTerminalSize(): void {
  for (const stream of [process.stdout, process.stderr]) {
    if (!stream.isTTY) continue
    for (const side of ['columns', 'rows'] as const) {
      let known: number | undefined = stream[side]
      Object.defineProperty(stream, side, {
        configurable: true,
        enumerable: true,
        get: () => (known !== undefined && known > 0 ? known : SIZE[side]),
        // Node sets it anew where the window changes.
        set: (value: number) => (known = value),
      })
    }
  }
}
