import { encode } from '../../protocol/codec.ts'
import { LeaseMessageSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import type { Cut } from './outbox.ts'

/** One line that stands for many. Numbered as the last of them, so that lines already stored never hide it. */
export function markerMessage({ sequence, firstSequence, lastLine, lines }: Cut, nowMs: number): Uint8Array {
  const timestampMs = BigInt(nowMs)
  const line = `[cortex] ${lines} lines are missing here: the requester was away and the provider's journal was full`
  return encode(LeaseMessageSchema, {
    content: {
      case: 'report',
      value: {
        sequence: BigInt(sequence),
        firstSequence: BigInt(firstSequence),
        timestampMs,
        content: {
          case: 'logs',
          value: {
            firstLine: BigInt(Math.max(1, lastLine)),
            lines: lines === 0 ? [] : [{ timestampMs, line, stderr: true, partial: false }],
          },
        },
      },
    },
  })
}
