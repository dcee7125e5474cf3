/** Peers that mean harm, on the simulated network: what each does, and nothing of how it is met. */

import { randomBytes } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { encode } from '../../protocol/codec.ts'
import { AwardReplySchema, JobRequestSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { encodedRequirements } from '../../protocol/job-wire.ts'
import { Protocol } from '../../protocol/topics.ts'
import { EngineError } from '../../provider-agent/engine/index.ts'
import { DEFAULT_PRICES } from '../../provider-agent/prices/default-prices.ts'
import type { SellerInit } from './seller.ts'
import { MARKET } from './seller.ts'

/** A tenth of what the honest ask. */
const UNDERBID = { ...DEFAULT_PRICES, cpuPerCoreHour: DEFAULT_PRICES.cpuPerCoreHour / 10n, memoryPerGbHour: 0n }

/** How a hostile seller differs from an honest one. */
export type HostileSeller = Pick<SellerInit, 'network' | 'prices' | 'script'>

/** Wins by its price, and refuses the award. */
export function refusing(network: PeerNetwork): HostileSeller {
  const handle: PeerNetwork['handle'] = (protocol, handler, options) => {
    if (protocol !== Protocol.award) return network.handle(protocol, handler, options)
    network.handle(
      protocol,
      async (channel) => {
        if ((await channel.receive()) === null) return
        await channel.send(encode(AwardReplySchema, { accepted: false, code: 'BID_EXPIRED', message: 'too late' }))
        await channel.close()
      },
      options,
    )
  }
  return { network: { ...network, handle }, prices: UNDERBID }
}

/** Wins by its price, and fails every job. */
export function failing(network: PeerNetwork): HostileSeller {
  const startError = new EngineError('ENGINE_ERROR', 'it does not start')
  return { network, prices: UNDERBID, script: () => ({ startError }) }
}

/** Announces the best price, and answers nobody. */
export function mute(network: PeerNetwork): HostileSeller {
  const handle: PeerNetwork['handle'] = (protocol, handler, options) =>
    network.handle(protocol, protocol === Protocol.ask ? async () => {} : handler, options)
  return { network: { ...network, handle }, prices: UNDERBID }
}

const REQUIREMENTS = encodedRequirements(
  jobSubmissionSchema.parse({ image: 'none', cpu: 1_000, memory: '1Gi', storage: '1Gi', duration: 60 }),
)

/** Asks sellers for more than it will ever take, keeps every bid to its end, and sends the buyer bids on nothing. */
export async function flood(
  { network, clock }: { network: PeerNetwork; clock: Clock },
  init: { sellers: string[]; buyer: string; perSecond: number; signal: AbortSignal },
): Promise<void> {
  const { sellers, buyer, perSecond, signal } = init
  for (let count = 0; !signal.aborted; count += 1) {
    await clock.sleep(1000 / perSecond, signal).catch(() => undefined)
    if (signal.aborted) return
    const to = count % 4 === 0 ? buyer : (sellers[count % sellers.length] as string)
    const [protocol, message] = to === buyer ? [Protocol.bid, randomBytes(200)] : [Protocol.ask, requestOf(clock)]
    // What comes of it is no concern of a flooder's.
    network
      .open(to, protocol, { maxMessageBytes: 64 * 1024 })
      .then(async (channel) => await channel.send(message))
      .catch(() => undefined)
  }
}

/** Announces in the name of others, with signatures that are not theirs. */
export async function forge(
  { network, clock }: { network: PeerNetwork; clock: Clock },
  { signal }: { signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    await clock.sleep(200, signal).catch(() => undefined)
    if (!signal.aborted) await network.publish('announcements', randomBytes(400))
  }
}

function requestOf(clock: Clock): Uint8Array {
  return encode(JobRequestSchema, {
    ...{ network: MARKET, requestId: randomBytes(16), requirements: REQUIREMENTS, bidWindowMs: 1_000 },
    ...{ samplePerMillion: 1_000_000, createdAtMs: BigInt(Math.floor(clock.nowMs())) },
  })
}
