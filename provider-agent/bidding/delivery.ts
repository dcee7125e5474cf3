import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { MAX_BID_BYTES } from '../../protocol/limits.ts'
import type { CheckedRequest } from '../../protocol/market-messages.ts'
import { Protocol } from '../../protocol/topics.ts'

/** How long an answer may take to deliver, at least, in ms: beyond the bid window nobody waits for it. */
export const MIN_ANSWER_MS = 2_000

/** Brings an answer to the requester of a request that was broadcast. Where this throws, it never arrived whole. */
export async function deliverAnswer(
  { network, clock }: { network: PeerNetwork; clock: Clock },
  message: Uint8Array,
  request: Pick<CheckedRequest, 'bidWindowMs' | 'addresses'>,
  requester: string,
  signal: AbortSignal,
): Promise<void> {
  const timeoutMs = Math.max(MIN_ANSWER_MS, request.bidWindowMs)
  const limit = deadline(clock, 2 * timeoutMs, signal)
  try {
    const channel = await network.open(requester, Protocol.bid, {
      addresses: request.addresses,
      signal: limit.signal,
      timeoutMs,
      maxMessageBytes: MAX_BID_BYTES,
    })
    await channel.send(message)
    // From here on it may have arrived: should the answer get lost, the bid stays until it lapses.
    await channel.receive({ signal: limit.signal }).catch(() => null)
    await channel.close().catch(() => undefined)
  } finally {
    limit.clear()
  }
}
