import { dirname, join } from 'node:path'
import type { Moment } from '../../node/moment.ts'

/** What an agent tells its guard. */
export interface GuardFile {
  /** The agent's run; a guard of another one has nothing more to do. */
  holder: string
  agentPid: number
  /** Container's name → when it is killed unless the agent says otherwise before. */
  ends: Record<string, Moment>
}

/** Where a guard says, as a {@link Moment}, when it ended a container. @param path of the guard's file */
export function stampPath(path: string, name: string): string {
  return join(dirname(path), 'guard-ended', `${name}.json`)
}
