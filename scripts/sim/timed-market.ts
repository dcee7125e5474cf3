/** The same market on a simulated clock: every peer has a processor of its own, and links are as long as on the internet. */

import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { MemoryLevel } from 'memory-level'
import type { Database } from '../../node/store/database.ts'
import { seeded } from '../../test/faults/support/seeded.ts'
import { createSimClock } from '../../test/support/sim-clock.ts'
import { startBuyer } from './buyer.ts'
import { quantile, runJobs } from './jobs.ts'
import { startSeller } from './seller.ts'
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

export async function measureTimed(init: {
  providers: number
  jobs: number
  /** As measured with real peers. */
  perMessageMs: number
  budgetMs: number
}): Promise<TimedFigures> {
  const { providers, jobs, perMessageMs } = init
  const clock = createSimClock()
  // The same links in every run.
  const { below } = seeded(7)
  const random = (): number => below(2 ** 20) / 2 ** 20
  const timed = createTimedNetwork({ clock, perMessageMs, link: LINK, random })
  // In memory: nothing may take real time that the clock does not know of.
  const database = new MemoryLevel<string, string>() as unknown as Database
  const key = await keyOf(0)
  const buyer = await startBuyer({ clock, network: timed.join(key), privateKey: key, database })
  const agents = []
  for (let number = 1; number <= providers; number += 1) {
    const privateKey = await keyOf(number)
    const network = timed.join(privateKey)
    const announce = async (statement: Uint8Array): Promise<void> => await buyer.hand(statement, network.peerId)
    agents.push(await startSeller({ clock, network, privateKey, announce, providers }))
  }
  while (buyer.known() < providers) await clock.advance(100)
  const limit = AbortSignal.timeout(init.budgetMs)
  let over = false
  const running = runJobs({ ...buyer, clock }, { jobs, concurrency: 1, signal: limit }).finally(() => {
    over = true
  })
  while (!over) await clock.advance(50)
  const { ended, scheduledMs } = await running
  const { sent, received } = buyer.traffic
  return {
    ...{ providers, jobs, ended },
    p50Ms: whole(quantile(scheduledMs, 0.5)),
    p99Ms: whole(quantile(scheduledMs, 0.99)),
    messagesPerJob: ended === 0 ? null : Number(((sent + received) / ended).toPrecision(3)),
  }
}

async function keyOf(number: number): Promise<PrivateKey> {
  const seed = new Uint8Array(32)
  new DataView(seed.buffer).setUint32(0, number)
  return await generateKeyPairFromSeed('Ed25519', seed)
}

function whole(value: number | null): number | null {
  return value === null ? null : Math.round(value)
}
