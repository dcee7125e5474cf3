import { createHash, type Hash } from 'node:crypto'
import { open, stat, truncate } from 'node:fs/promises'
import { Protocol } from '../../../protocol/topics.ts'
import type { Clock } from '../../clock.ts'
import { deadline } from '../../deadline.ts'
import { hashFile } from '../../hash-file.ts'
import type { Channel, PeerNetwork } from '../../network/index.ts'
import { ReachError } from '../../reach/index.ts'
import { openReach } from '../../reach/open-reach.ts'
import type { Lease } from '../../store/index.ts'
import { type WriteBehind, writeBehind } from '../../write-behind.ts'

/**
 * What comes of an output in a span, at the least, while there is more of it: a provider that is slower, or silent, loses
 * its turn, and the next try goes on from there.
 */
export const LEAST_PACE = { bytes: 2 ** 20, spanMs: 60_000 }

/** The provider has it no more: asking again brings nothing. */
export class OutputGoneError extends Error {
  override readonly name = 'OutputGoneError'
}

/**
 * Brings a job's output into a file, going on where an earlier try broke off. Only once `store` has put it in its place
 * is the provider told that it may forget it.
 *
 * @param from.bytes what the provider said at the job's end: no more than that is taken
 * @throws {OutputGoneError} where the provider does not have it
 */
export async function fetchOutput(
  components: { network: PeerNetwork; clock: Clock },
  from: { jobId: string; lease: Lease; bytes: number; part: string; signal: AbortSignal },
  store: () => Promise<void>,
): Promise<void> {
  const { jobId, lease, bytes, part, signal } = from
  const offset = Math.min((await stat(part)).size, bytes)
  await truncate(part, offset)
  const content = { case: 'output', value: { offset: BigInt(offset) } } as const
  const { channel, reply } = await openReach(components, {
    ...{ jobId, lease, content, signal },
    protocol: Protocol.output,
  }).catch((error: unknown) => {
    if (error instanceof ReachError && error.code === 'NO_OUTPUT') throw new OutputGoneError(error.message)
    throw error
  })
  try {
    if (Number(reply.bytes) !== bytes) throw new OutputGoneError('The provider keeps another output than it told of')
    const hash = await hashOf(part)
    await receiveInto({ clock: components.clock, channel, hash }, part, bytes - offset)
    if (hash.digest('hex') !== Buffer.from(reply.sha256).toString('hex')) {
      await truncate(part, 0)
      throw new Error('The output was damaged on its way')
    }
    await store()
    await channel.send(new Uint8Array())
    await channel.close()
  } catch (error) {
    channel.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/** What comes, and how. */
interface Coming {
  clock: Clock
  channel: Channel
  /** Of all that is there. */
  hash: Hash
}

async function receiveInto(coming: Coming, part: string, bytes: number): Promise<void> {
  await using file = await open(part, 'a')
  const behind = writeBehind(file)
  try {
    await receiveBehind(coming, behind, bytes)
  } finally {
    // Also where it broke off: the next try goes on behind all that came.
    await behind.flush()
  }
}

async function receiveBehind({ clock, channel, hash }: Coming, behind: WriteBehind, bytes: number): Promise<void> {
  let left = bytes
  while (left > 0) {
    const enoughLeft = Math.max(0, left - LEAST_PACE.bytes)
    const limit = deadline(clock, LEAST_PACE.spanMs)
    try {
      while (left > enoughLeft) {
        const chunk = await channel.receive({ signal: limit.signal })
        if (chunk === null) throw new Error('The output ended before its end')
        if (chunk.length > left) throw new OutputGoneError('The provider sent more than it told of')
        await behind.add(chunk)
        hash.update(chunk)
        left -= chunk.length
      }
    } finally {
      limit.clear()
    }
  }
}

async function hashOf(path: string): Promise<Hash> {
  const hash = createHash('sha256')
  await hashFile(path, hash)
  return hash
}
