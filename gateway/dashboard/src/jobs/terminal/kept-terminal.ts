import { FitAddon } from '@xterm/addon-fit'
import { Terminal as Xterm } from '@xterm/xterm'
import { client } from '../../app/client.ts'
import { noteError } from '../../app/query.ts'
import { handedText, onForgetAll } from '../../ui/kept.ts'
import { messageOf } from '../../ui/problem.tsx'
import { createExecSession, type ExecEnd, type ExecHandlers, type OpenExec } from './exec-session.ts'

/** How a terminal is connected; when it is over, how that came. */
export type TerminalState = { type: 'idle' | 'connecting' | 'open' } | ExecEnd

/** How long a size has to stay before the container is told, in ms. */
const RESIZE_MS = 80
/** Lines that one can scroll back to. */
const SCROLLBACK = 10_000
/** How often, and after how many ms each, a socket that was lost is opened again. */
const [MOST_TRIES, RETRY_MS] = [5, 1_500]
/** Empties the terminal after what was written to it before, and ends an order that was cut. */
const RESET = '\x1bc'
/** Terminals that a page keeps while others are looked at, and commands that run in them. */
const MOST_KEPT = 8

const TOO_MANY: TerminalState = { type: 'refused', message: `${MOST_KEPT} terminals are open: disconnect one` }

/** As the log is: dark in both themes, since programs choose colours for that. */
const COLORS = {
  ...{ background: '#10131a', foreground: '#d7dce5', cursor: '#d7dce5', selectionBackground: '#3b4a6b' },
  ...{ scrollbarSliderBackground: '#8590a366', scrollbarSliderHoverBackground: '#8590a3aa' },
  scrollbarSliderActiveBackground: '#8590a3dd',
}

/** By the ids of their jobs, the one that was looked at last in the end. */
const kept = new Map<string, KeptTerminal>()

// Nothing of it is for who signs in next.
onForgetAll(() => {
  for (const id of [...kept.keys()]) forget(id)
})

/**
 * The terminal of a job, with what runs in it: it outlives its tab and its page, and for a minute this document, since the
 * gateway keeps the command.
 */
export function terminalOf(jobId: string): KeptTerminal {
  const terminal = kept.get(jobId) ?? createTerminal(jobId)
  kept.set(jobId, terminal)
  return terminal
}

/** Whether something ran in the terminal of a job. */
export function hasTerminal(jobId: string): boolean {
  return kept.has(jobId) && kept.get(jobId)?.state().type !== 'idle'
}

function forget(jobId: string): void {
  kept.get(jobId)?.dispose()
  kept.delete(jobId)
}

/** Keeps the number of terminals down: looking at another ends nothing that runs. */
function makeRoom(): void {
  const idle = [...kept].slice(0, -1).filter(([, terminal]) => !terminal.isBusy())
  for (const [id] of idle.slice(0, Math.max(0, kept.size - MOST_KEPT))) forget(id)
}

/** How many terminals something runs in. */
function countBusy(): number {
  return [...kept.values()].filter((terminal) => terminal.isBusy()).length
}

/** What {@link terminalOf} answers. */
export type KeptTerminal = ReturnType<typeof createTerminal>

function createTerminal(jobId: string) {
  const host = createHost()
  const fit = new FitAddon()
  const listeners = new Set<() => void>()
  let xterm: Xterm | null = null
  let session: OpenExec | null = null
  let opening = new AbortController()
  let state: TerminalState = { type: 'idle' }
  /** Of the next socket to the command that runs. */
  const code = handedText(`terminal ${jobId}`, 'code')
  const fitting = createFitting(host, () => fit.fit())

  function setState(next: TerminalState): void {
    state = next
    for (const listener of listeners) listener()
  }

  function open(): Xterm {
    const opened = createXterm(host)
    opened.loadAddon(fit)
    opened.open(host)
    opened.textarea?.setAttribute('aria-describedby', 'terminal-way-out')
    fit.fit()
    fitting.start()
    connectKeys(opened, () => session)
    return opened
  }

  /** @param tries how often it was tried since the last socket was open */
  function connect(address: string, shown: Xterm, tries = 0): void {
    const { signal } = opening
    const isAgain = code.get() !== undefined
    const handlers: ExecHandlers = {
      onOpen() {
        tries = 0
        setState({ type: 'open' })
        session?.resize(shown.cols, shown.rows)
        shown.focus()
      },
      onKept(next) {
        code.set(next)
        // What it wrote last is told once more.
        if (isAgain) shown.write(RESET)
      },
      onOutput: (data, done) => shown.write(data, done),
      onEnd(end) {
        session = null
        if (signal.aborted) return
        if (end.type === 'lost' && code.get() !== undefined && tries < MOST_TRIES) {
          setState({ type: 'connecting' })
          const again = (): void => connect(nextAddress(jobId, code.get() ?? ''), shown, tries + 1)
          setTimeout(() => signal.aborted || again(), RETRY_MS)
          return
        }
        code.set(undefined)
        setState(end)
      },
    }
    session = createExecSession(new WebSocket(address), handlers, { isAgain })
  }

  return {
    /** What is to run next, as it is typed. */
    line: 'sh',
    state: () => state,
    isBusy: () => state.type === 'connecting' || state.type === 'open',
    subscribe: (listener: () => void) => subscribe(listeners, listener),
    /** Puts it into a place, until the returned function is called. */
    show(place: HTMLElement): () => void {
      kept.delete(jobId)
      kept.set(jobId, this)
      makeRoom()
      place.append(host)
      if (xterm === null) {
        xterm = open()
        // The page was loaded anew while something ran.
        if (code.get() !== undefined) {
          setState({ type: 'connecting' })
          connect(nextAddress(jobId, code.get() ?? ''), xterm, MOST_TRIES - 1)
        }
      }
      return () => {
        fitting.pause()
        host.remove()
      }
    },
    async start(command: string[]): Promise<void> {
      const shown = xterm
      if (shown === null) return
      if (countBusy() >= MOST_KEPT) {
        setState(TOO_MANY)
        return
      }
      shown.write(RESET)
      setState({ type: 'connecting' })
      opening = new AbortController()
      const { signal } = opening
      try {
        const address = await askFor(jobId, command, shown, signal)
        if (!signal.aborted) connect(address, shown)
      } catch (error) {
        if (signal.aborted) return
        noteError(error)
        setState({ type: 'refused', message: messageOf(error) })
      }
    },
    stop: () => session?.close(),
    dispose(): void {
      fitting.stop()
      opening.abort()
      session?.close()
      code.set(undefined)
      xterm?.dispose()
      host.remove()
    },
  }
}

function createHost(): HTMLElement {
  const host = document.createElement('div')
  host.className = 'terminal-host'
  return host
}

/** Fits the terminal once the size of its place has stayed for a while. */
function createFitting(host: HTMLElement, fit: () => void) {
  let waiting: ReturnType<typeof setTimeout> | undefined
  const observer = new ResizeObserver(() => {
    clearTimeout(waiting)
    // Without a place it has no size.
    if (host.isConnected) waiting = setTimeout(fit, RESIZE_MS)
  })
  return {
    start: () => observer.observe(host),
    pause: () => clearTimeout(waiting),
    stop(): void {
      clearTimeout(waiting)
      observer.disconnect()
    },
  }
}

function subscribe(listeners: Set<() => void>, listener: () => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What is typed, and how large it is, goes to the command that runs. */
function connectKeys(xterm: Xterm, session: () => OpenExec | null): void {
  xterm.onResize(({ cols, rows }) => session()?.resize(cols, rows))
  xterm.onData((text) => session()?.write(new TextEncoder().encode(text)))
  xterm.onBinary((text) => session()?.write(Uint8Array.from(text, (sign) => sign.charCodeAt(0))))
}

function createXterm(place: HTMLElement): Xterm {
  const xterm = new Xterm({
    cursorBlink: !matchMedia('(prefers-reduced-motion: reduce)').matches,
    fontFamily: getComputedStyle(place).fontFamily,
    fontSize: 13,
    lineHeight: 1.2,
    minimumContrastRatio: 4.5,
    screenReaderMode: true,
    scrollback: SCROLLBACK,
    theme: COLORS,
  })
  // Every other key is the program's, so one has to lead out (WCAG 2.1.2); the browser then moves the focus.
  xterm.attachCustomKeyEventHandler(({ key, shiftKey }) => !(key === 'Tab' && shiftKey))
  return xterm
}

/** Of the first socket to a command. */
async function askFor(jobId: string, command: string[], { cols, rows }: Xterm, signal: AbortSignal): Promise<string> {
  const request = { command, terminal: true, keep: true, columns: cols, rows }
  const { url } = await client.jobs.openExec(jobId, request, { signal })
  return hereOf(url)
}

/** Of another socket to a command that is kept. */
function nextAddress(jobId: string, code: string): string {
  const search = new URLSearchParams({ code })
  return hereOf(`${location.origin}/api/plugin-core/jobs/${encodeURIComponent(jobId)}/exec/socket?${search}`)
}

/** The address by the name that this page was opened with: a proxy may have hidden it from the gateway. */
function hereOf(url: string): string {
  const { pathname, search } = new URL(url)
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${pathname}${search}`
}
