/** How long servers that jobs name are waited for. */

import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import { OutsideError } from '../../node/network/outside.ts'
import { isDiskFull } from '../../node/system-problem.ts'
import { DataError } from './data-error.ts'

/** How long a server may send nothing, in ms. */
export const IDLE_MS = 30_000
/** Tries one after the other that bring nothing new. */
export const MAX_BREAKS = 5

/** How long the server of a URL is waited for. */
export interface UrlPatience {
  /** For the next piece, in ms: then another connection goes on from there. @default {@link IDLE_MS} */
  idleMs?: number
  /** Beyond what {@link UrlPatience.leastRate} makes of what came, all tries together, in ms. @default 120_000 */
  graceMs?: number
  /** Bytes a second. @default 32 KiB */
  leastRate?: number
  /** For all of it, in ms. @default 6 hours */
  deadlineMs?: number
}

/**
 * @param where as it is by the time that it took too long
 * @param progress bytes that came by now, all tries together
 * @returns throws where it took too long by now
 */
export function timed(
  clock: Clock,
  where: { readonly path: string; readonly host: string },
  progress: { readonly received: number },
  patience: UrlPatience,
): () => void {
  const { graceMs = 120_000, leastRate = 32 * 1024, deadlineMs = 6 * 3_600_000 } = patience
  const beganMs = clock.monotonicMs()
  return () => {
    const allowedMs = Math.min(deadlineMs, graceMs + (progress.received * 1000) / leastRate)
    if (clock.monotonicMs() - beganMs > allowedMs) throw new DataError('url-too-slow', where.path, where.host)
  }
}

/** What comes of an answer, as long as something does. */
export async function* pieces(answer: IncomingMessage, clock: Clock, idleMs: number): AsyncGenerator<Buffer> {
  const iterator = (answer as AsyncIterable<Buffer>)[Symbol.asyncIterator]()
  for (;;) {
    const limit = deadline(clock, idleMs)
    const giveUp = (): void => void answer.destroy(new OutsideError('too-slow', 'it sends nothing'))
    limit.signal.addEventListener('abort', giveUp, { once: true })
    let next: IteratorResult<Buffer>
    try {
      next = await iterator.next()
    } finally {
      limit.clear()
    }
    if (next.done === true) return
    yield next.value
  }
}

/** What it means to the job's owner that a server did not give what it names. */
export function unreached(error: unknown, { path, host }: { path: string; host: string }): DataError {
  const code = error instanceof OutsideError ? error.code : null
  if (code === 'not-open' || code === 'no-tls') return new DataError('url-not-allowed', path, host)
  return new DataError(code === 'too-slow' ? 'url-too-slow' : 'url-unreachable', path, host)
}

/** Whether it is this machine's disk that is wrong, and no server. */
export function isOfDisk(error: unknown): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException
  const isDisks = isDiskFull(error) || ['EIO', 'EROFS'].includes(code ?? '')
  return isDisks || ['open', 'write', 'ftruncate'].includes(syscall ?? '')
}
