import { FitAddon } from '@xterm/addon-fit'
import { Terminal as Xterm } from '@xterm/xterm'
import { type RefObject, useEffect, useRef, useState } from 'react'
import { client } from '../../app/client.ts'
import { noteError } from '../../app/query.ts'
import { messageOf } from '../../ui/problem.tsx'
import { createExecSession, type ExecEnd, type OpenExec } from './exec-session.ts'

/** How the terminal is connected; when it is over, how that came. */
export type TerminalState = { type: 'idle' | 'connecting' | 'open' } | ExecEnd

/** How long a size has to stay before the container is told, in ms. */
const RESIZE_MS = 80
/** Lines that one can scroll back to. */
const SCROLLBACK = 10_000

/** As the log is: dark in both themes, since programs choose colours for that. */
const COLORS = {
  ...{ background: '#10131a', foreground: '#d7dce5', cursor: '#d7dce5', selectionBackground: '#3b4a6b' },
  ...{ scrollbarSliderBackground: '#8590a366', scrollbarSliderHoverBackground: '#8590a3aa' },
  scrollbarSliderActiveBackground: '#8590a3dd',
}

/** A terminal in an element, and the commands that one runs in it, one after the other. */
export function useTerminal(jobId: string, place: RefObject<HTMLElement | null>) {
  const [state, setState] = useState<TerminalState>({ type: 'idle' })
  const terminal = useRef<Xterm>(null)
  const session = useRef<OpenExec>(null)
  const opening = useRef<AbortController>(null)

  useEffect(() => {
    if (place.current === null) return
    const xterm = createXterm(place.current)
    const fit = new FitAddon()
    xterm.loadAddon(fit)
    xterm.open(place.current)
    xterm.textarea?.setAttribute('aria-describedby', 'terminal-way-out')
    fit.fit()
    let fitting: ReturnType<typeof setTimeout> | undefined
    const observer = new ResizeObserver(() => {
      clearTimeout(fitting)
      fitting = setTimeout(() => fit.fit(), RESIZE_MS)
    })
    observer.observe(place.current)
    xterm.onResize(({ cols, rows }) => session.current?.resize(cols, rows))
    xterm.onData((text) => session.current?.write(new TextEncoder().encode(text)))
    xterm.onBinary((text) => session.current?.write(Uint8Array.from(text, (sign) => sign.charCodeAt(0))))
    terminal.current = xterm
    return () => {
      clearTimeout(fitting)
      observer.disconnect()
      opening.current?.abort()
      session.current?.close()
      session.current = null
      xterm.dispose()
    }
  }, [place])

  async function start(command: string[]): Promise<void> {
    const xterm = terminal.current
    if (xterm === null) return
    xterm.reset()
    setState({ type: 'connecting' })
    opening.current = new AbortController()
    const { signal } = opening.current
    try {
      const size = { columns: xterm.cols, rows: xterm.rows }
      const { url } = await client.jobs.openExec(jobId, { command, terminal: true, ...size }, { signal })
      if (signal.aborted) return
      session.current = createExecSession(new WebSocket(hereOf(url)), {
        onOpen() {
          setState({ type: 'open' })
          session.current?.resize(xterm.cols, xterm.rows)
          xterm.focus()
        },
        onOutput: (data, done) => xterm.write(data, done),
        onEnd(end) {
          session.current = null
          if (!signal.aborted) setState(end)
        },
      })
    } catch (error) {
      if (signal.aborted) return
      noteError(error)
      setState({ type: 'refused', message: messageOf(error) })
    }
  }

  return { state, start, stop: () => session.current?.close() }
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

/** The address by the name that this page was opened with: a proxy may have hidden it from the gateway. */
function hereOf(url: string): string {
  const { pathname, search } = new URL(url)
  return `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}${pathname}${search}`
}
