import type { Moment } from '../../node/moment.ts'

/** What an agent tells its guard. */
export interface GuardFile {
  /** The agent's run; a guard of another one has nothing more to do. */
  holder: string
  agentPid: number
  /** Container's name → when it is killed unless the agent says otherwise before. */
  ends: Record<string, Moment>
}
