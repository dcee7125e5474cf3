import type { GossipsubOpts } from '@libp2p/gossipsub'
import type { Refusals } from '../bounds/refusals.ts'

type MetricsRegister = NonNullable<GossipsubOpts['metricsRegister']>

/** Counters of gossipsub that say something was turned away, and what we call it. */
const REFUSED: Record<string, string> = {
  gossipsub_peer_read_stream_err_count_total: 'frame_unreadable',
  gossipsub_rpc_data_err_count_total: 'frame_malformed',
  gossipsub_rpc_rcv_not_accepted_total: 'graylisted',
}
const INVALID = 'gossipsub_msg_received_invalid_total'

/** What the topic validators refuse is counted by them, with the true reason. */
const COUNTED_BY_VALIDATORS = new Set(['reject', 'ignore'])

/**
 * Gossipsub checks frames and signatures before any code of ours sees a message, and tells what it found through its
 * metrics alone: this listens there, and drops the rest.
 */
export function refusalMetrics(refusals: Refusals): MetricsRegister {
  const nothing = { inc() {}, set() {}, addCollect() {}, startTimer: () => () => {}, observe() {}, reset() {} }
  return {
    gauge: ({ name }: { name: string }) => {
      const reason = REFUSED[name]
      if (reason !== undefined) return { ...nothing, inc: () => refusals.count(reason) }
      if (name !== INVALID) return nothing
      return {
        ...nothing,
        inc: (labels: { error?: string }) => {
          const error = labels.error ?? 'invalid'
          if (!COUNTED_BY_VALIDATORS.has(error)) refusals.count(error)
        },
      }
    },
    histogram: () => nothing,
    avgMinMax: () => nothing,
  } as MetricsRegister
}
