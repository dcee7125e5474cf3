import { SENT_IMAGES } from '../../../protocol/capabilities.ts'
import type { Bid } from '../../../protocol/gen/cortex/v1/market_pb.js'
import type { Requirements } from '../../../protocol/market-messages.ts'
import { bytesWanted, checkMissing, type Missing } from '../../../protocol/wanted-blobs.ts'

/** How long a job would wait at a provider for its data, as that provider says. */
export interface Waiting {
  /** What of the job's bytes it lacks; null where it says nothing of them. */
  missingBytes: number | null
  saidMs: number
  /** If nothing of it were there, at the rate of those who say none. */
  mostMs: number
}

/** Bytes a second of who says nothing, or has not seen any come. */
const USUAL_RATE = 10 * 2 ** 20
/** Whatever is said, nothing comes faster than over a link of 10 Gbit/s, and what comes slower is as good as not there. */
const MOST_RATE = 1.25e9
const LEAST_RATE = 2 ** 10
/** An image whose size nobody knows, where it is known which it is. */
const UNKNOWN_IMAGE_BYTES = 64 * 2 ** 20

/** What a bid comes to: no provider lacks more than there is, or is faster than any can be. */
export function waitingOf(
  { blobs, imageBytes, imageDigest, capabilities }: Requirements,
  bid: Pick<Bid, 'fromRequester' | 'fromRegistry' | 'imageDigest'>,
): Waiting {
  const given = blobs === undefined ? 0 : bytesWanted(blobs)
  const isSent = capabilities.includes(SENT_IMAGES)
  const pulled = isSent || imageDigest === '' ? 0 : (imageBytes ?? UNKNOWN_IMAGE_BYTES)
  const fromRequester = checkMissing('from_requester', bid.fromRequester)
  const fromRegistry = bid.imageDigest === '' ? checkMissing('from_registry', bid.fromRegistry) : ALL_THERE
  const said = [...(given === 0 ? [] : [fromRequester]), ...(pulled === 0 ? [] : [fromRegistry])]
  return {
    missingBytes: said.some((one) => one === null) ? null : lacks(fromRequester, given) + lacks(fromRegistry, pulled),
    saidMs: msOf(fromRequester, given) + msOf(fromRegistry, pulled),
    mostMs: msOf(null, given + pulled),
  }
}

const ALL_THERE: Missing = { bytes: 0, bytesPerSecond: 0 }

function lacks(missing: Missing | null, all: number): number {
  return Math.min(all, missing?.bytes ?? all)
}

function msOf(missing: Missing | null, all: number): number {
  const said = missing?.bytesPerSecond ?? 0
  const rate = said === 0 ? USUAL_RATE : Math.min(MOST_RATE, Math.max(LEAST_RATE, said))
  return (lacks(missing, all) * 1_000) / rate
}
