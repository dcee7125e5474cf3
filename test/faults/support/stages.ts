import type { Fault } from './fault-points.ts'
import { seeded } from './seeded.ts'

/** Stages of a job's life, and the points of each at which an agent dies. */
export const AGENT_STAGES: Record<string, string[]> = {
  asked: ['requests:heard'],
  bid: ['bid:send', 'bid:sent'],
  awarded: ['award:received', 'award-reply:send', 'award-reply:sent'],
  pulling: ['pull', 'create', 'created'],
  running: ['start', 'started', 'report:started:send', 'report:logs:sent'],
  'ended but not acknowledged': ['ended', 'report:ended:send', 'report:ended:sent'],
  acknowledged: ['last-ack:received', 'remove', 'removed'],
}

/** The same for a peer that asks: a gateway, or `cortex run`. */
export const REQUESTER_STAGES: Record<string, string[]> = {
  asked: ['requests:publish', 'requests:published'],
  bid: ['bid:received'],
  awarded: ['award:open', 'award:sent', 'award-reply:received'],
  pulling: ['pull'],
  running: ['report:started:received', 'report:logs:received', 'ack:send'],
  'ended but not acknowledged': ['report:ended:received', 'last-ack:send', 'last-ack:sent'],
}

/** An exact hit at each point, and for every further seed, in each stage, one some time after a later passage of one. */
export function faultsOf(stages: Record<string, string[]>, seeds: number[]): Fault[] {
  const exact = Object.values(stages).flatMap((points) => points.map((point): Fault => ({ point })))
  const others = seeds.map(seeded).flatMap((random) =>
    Object.values(stages).map((points): Fault => {
      return { point: random.pick(points), after: random.below(2), ms: random.below(120) }
    }),
  )
  return [...exact, ...others]
}

/** Heartbeats often, so that usage is known well; nobody who is started again at once is lost, however busy the machine is. */
export const KILL_TIMES = { heartbeatMs: 500, lostAfterMs: 240_000 }
