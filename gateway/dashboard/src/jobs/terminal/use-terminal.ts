import { type RefObject, useEffect, useSyncExternalStore } from 'react'
import { type KeptTerminal, type TerminalState, terminalOf } from './kept-terminal.ts'

/** A job's terminal in an element, with how it is connected. */
export function useTerminal(
  jobId: string,
  place: RefObject<HTMLElement | null>,
): { terminal: KeptTerminal; state: TerminalState } {
  const terminal = terminalOf(jobId)
  const state = useSyncExternalStore(terminal.subscribe, terminal.state)
  useEffect(() => (place.current === null ? undefined : terminal.show(place.current)), [terminal, place])
  return { terminal, state }
}
