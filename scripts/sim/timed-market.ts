/** The same market on a simulated clock: every peer has a processor of its own, and links are as long as on the internet. */

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { MemoryLevel } from 'memory-level'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Database } from '../../node/store/database.ts'
import { seeded } from '../../test/faults/support/seeded.ts'
import { createSimClock } from '../../test/support/sim-clock.ts'
import { startBuyer } from './buyer.ts'
import { type JobFigures, quantile, runJobs } from './jobs.ts'
import { type SellerInit, startSeller } from './seller.ts'
import { createTimedNetwork } from './timed-network.ts'

export interface TimedFigures {
  providers: number
  jobs: number
  ended: number
  /** Simulated, of jobs one after the other. */
  p50Ms: number | null
  p99Ms: number | null
  messagesPerJob: number | null
}

/** One way, in ms. */
const LINK = { meanMs: 50, spreadMs: 20 }

export interface TimedInit {
  /** As measured with real peers. */
  perMessageMs: number
  budgetMs: number
  /** How far links are from {@link LINK}'s mean, in ms. @default as on the internet */
  spreadMs?: number
}

export async function measureTimed(init: TimedInit & { providers: number; jobs: number }): Promise<TimedFigures> {
  const { providers, jobs } = init
  const market = await openTimedMarket(init)
  for (let number = 0; number < providers; number += 1) await market.sell()
  await market.ready()
  const { ended, scheduledMs } = await market.run(jobs)
  if (market.turnedAway() > 0) throw new Error('Somebody broke the rules in a simulation of the honest')
  const { sent, received } = market.buyer.traffic
  return {
    ...{ providers, jobs, ended },
    p50Ms: whole(quantile(scheduledMs, 0.5)),
    p99Ms: whole(quantile(scheduledMs, 0.99)),
    messagesPerJob: ended === 0 ? null : Number(((sent + received) / ended).toPrecision(3)),
  }
}

/** A buyer, and as many sellers as are asked to come. */
export async function openTimedMarket({ perMessageMs, budgetMs, spreadMs = LINK.spreadMs }: TimedInit) {
  const clock = createSimClock()
  // The same links in every run.
  const { below } = seeded(7)
  const random = (): number => below(2 ** 20) / 2 ** 20
  const timed = createTimedNetwork({ clock, perMessageMs, link: { ...LINK, spreadMs }, random })
  // In memory: nothing may take real time that the clock does not know of.
  const database = new MemoryLevel<string, string>() as unknown as Database
  const key = await keyOf(0)
  const network = timed.join(key)
  const buyer = await startBuyer({ clock, network, privateKey: key, database })
  const joined = [network]
  const sellers: (() => Promise<unknown>)[] = []

  const join = async () => {
    const privateKey = await keyOf(joined.length)
    const peer = timed.join(privateKey)
    joined.push(peer)
    return { network: peer, privateKey }
  }

  return {
    clock,
    buyer: { ...buyer, peerId: network.peerId },
    join: async () => (await join()).network,

    /** Adds a seller; answers its peer id. @param change makes it another than an honest one */
    async sell(change: (network: PeerNetwork) => Partial<SellerInit> = () => ({})): Promise<string> {
      const { network: own, privateKey } = await join()
      const announce = async (statement: Uint8Array): Promise<void> => await buyer.hand(statement, own.peerId)
      const common = { clock, network: own, privateKey, announce }
      sellers.push(async () => await startSeller({ ...common, providers: sellers.length, ...change(own) }))
      return own.peerId
    },

    /** Starts the sellers, and lets time pass until the buyer knows all of them. */
    async ready(): Promise<void> {
      for (const start of sellers) await start()
      while (buyer.known() < sellers.length) await clock.advance(100)
    },

    /** Jobs one after the other, to their end or to that of the budget. */
    async run(jobs: number): Promise<JobFigures> {
      const limit = AbortSignal.timeout(budgetMs)
      let over = false
      const running = runJobs({ ...buyer, clock }, { jobs, concurrency: 1, signal: limit }).finally(() => {
        over = true
      })
      while (!over) await clock.advance(50)
      return await running
    },

    completed: async () => (await buyer.store.list({ statuses: ['completed'], limit: 0 })).total,

    /** What all peers have turned away. */
    turnedAway: () =>
      joined
        .flatMap((peer) => Object.entries(peer.counters().refused))
        .filter(([reason]) => reason.startsWith('penalty:') || reason === 'stream')
        .reduce((sum, [, count]) => sum + count, 0),
  }
}

async function keyOf(number: number): Promise<PrivateKey> {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number)
  return await generateKeyPairFromSeed('Ed25519', seed)
}

export function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value)
}
