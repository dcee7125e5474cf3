import type { EngineError } from '../../provider-agent/engine/index.ts'

/** What becomes of a container; what is left out waits for the test. */
export interface Script {
  /** Ends by itself after so long. */
  runMs?: number
  /** With `runMs`. @default 0 */
  exitCode?: number
  oomKilled?: boolean
  /** Printed at the start. */
  lines?: string[]
  /** How it answers the stop signal; `ignore` waits for SIGKILL. @default 143 */
  onStop?: number | 'ignore'
  pullMs?: number
  createMs?: number
  startMs?: number
  /** How late it is told that it runs. */
  startToldMs?: number
  /** How late it is told that it has ended. */
  endToldMs?: number
  removeMs?: number
  /** How late its output is read. */
  logLagMs?: number
  pullError?: EngineError
  createError?: EngineError
  startError?: EngineError
  /** Answered to the first removals, as many as there are. */
  removeErrors?: EngineError[]
}
