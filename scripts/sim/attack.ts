/** The market on the simulated clock among the honest, and again with so many peers besides who mean harm. */

import type { PeerNetwork } from '../../node/network/index.ts'
import { failing, flood, forge, type HostileSeller, mute, refusing } from './hostile.ts'
import { quantile } from './jobs.ts'
import { openTimedMarket, type TimedInit, whole } from './timed-market.ts'

export interface AttackInit extends TimedInit {
  /** Honest sellers. */
  providers: number
  /** Peers that mean harm, of each kind in turn. */
  hostile: number
  jobs: number
}

export interface AttackFigures {
  honest: number
  hostile: number
  jobs: number
  ended: number
  /** By honest sellers, to the end that was asked for. */
  completed: number
  /** From the submission to the last attempt's end, simulated. */
  p50Ms: number | null
  p99Ms: number | null
  /** To the first provider that accepted. */
  scheduledP50Ms: number | null
  /** What became of awards: each that was not accepted cost a job a round trip. */
  awards: { accepted: number; refused: number; silent: number }
  /** Of the sellers and the buyer, by reason. */
  turnedAway: number
}

/** In turn. */
const KINDS: ('flood' | 'forge' | ((network: PeerNetwork) => HostileSeller))[] = [
  refusing,
  failing,
  'flood',
  mute,
  'forge',
]

/** Messages a second of one flooder. */
const FLOOD_PER_SECOND = 20

export async function measureAttack(init: AttackInit): Promise<AttackFigures> {
  const { providers, hostile, jobs } = init
  const over = new AbortController()
  // All links alike: else which of equal sellers wins would say more than what the hostile do.
  const market = await openTimedMarket({ ...init, spreadMs: 0 })
  const honest: string[] = []
  for (let i = 0; i < providers; i += 1) honest.push(await market.sell())
  const floods: (() => Promise<void>)[] = []
  for (let i = 0; i < hostile; i += 1) {
    const kind = KINDS[i % KINDS.length]
    if (typeof kind === 'function') {
      await market.sell(kind)
      continue
    }
    const peer = { network: await market.join(), clock: market.clock }
    const { signal } = over
    const flooding = { sellers: honest, buyer: market.buyer.peerId, perSecond: FLOOD_PER_SECOND, signal }
    floods.push(async () => await (kind === 'flood' ? flood(peer, flooding) : forge(peer, { signal })))
  }
  await market.ready()
  const flooding = floods.map(async (start) => await start())
  const { ended, scheduledMs, endedMs } = await market.run(jobs)
  over.abort()
  await market.clock.advance(1_000)
  await Promise.all(flooding)
  const { accepted, refused, silent } = market.buyer.requester.tally()
  return {
    ...{ honest: providers, hostile, jobs, ended, completed: await market.completed() },
    p50Ms: whole(quantile(endedMs, 0.5)),
    p99Ms: whole(quantile(endedMs, 0.99)),
    scheduledP50Ms: whole(quantile(scheduledMs, 0.5)),
    awards: { accepted, refused, silent },
    turnedAway: market.turnedAway(),
  }
}
