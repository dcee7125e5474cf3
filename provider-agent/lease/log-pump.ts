/**
 * Carries a container's output into reports: small batches soon while somebody listens, large ones while nobody does.
 * The next batch is taken from the engine when this one is written, so a container that writes faster than the disk
 * waits for it.
 */

import type { Clock } from '../../node/clock.ts'
import { MAX_LOG_BATCH_BYTES, MAX_LOG_BATCH_LINES } from '../../protocol/limits.ts'
import type { LogLine } from '../engine/index.ts'

/** What {@link pumpLogs} works with. */
export interface LogPumpComponents {
  clock: Clock
  /** Writes one batch; resolves when it is written. */
  write: (lines: LogLine[]) => Promise<void>
  /** How long lines are gathered from now on, in ms. */
  flushMs: () => number
}

/** Roughly what a line costs beside its text. */
const LINE_OVERHEAD = 24

/** Batches that may wait for the disk, or for the requester; beyond them the source is not read. */
const MAX_QUEUED = 4

/** Resolves when the source has ended and all is written. */
export async function pumpLogs(
  { clock, write, flushMs }: LogPumpComponents,
  source: AsyncIterable<LogLine[]>,
  signal: AbortSignal,
): Promise<void> {
  let pending: LogLine[] = []
  let bytes = 0
  let timer: AbortController | null = null
  let writing: Promise<void> = Promise.resolve()
  let failure: unknown = null
  let first = true
  /** Batches that are not written yet. */
  let queued = 0

  function flush(): Promise<void> {
    timer?.abort()
    timer = null
    if (pending.length > 0) {
      const batch = pending
      pending = []
      bytes = 0
      queued += 1
      writing = writing.then(() => write(batch)).finally(() => (queued -= 1))
      writing.catch((error) => {
        failure = error
      })
    }
    return writing
  }

  function flushSoon(): void {
    if (timer !== null || pending.length === 0) return
    const own = new AbortController()
    timer = own
    const anySignal = AbortSignal.any([own.signal, signal])
    // Aborted when a full batch went out before, or at the end, where the rest is flushed anyway.
    clock.sleep(flushMs(), anySignal).then(
      () => flush().catch(() => undefined),
      () => undefined,
    )
  }

  try {
    for await (const lines of source) {
      for (const line of lines) {
        // What is not written is read again, where anybody wants it.
        if (signal.aborted) return
        const size = Buffer.byteLength(line.line) + (line.bytes?.length ?? 0) + LINE_OVERHEAD
        if (bytes + size > MAX_LOG_BATCH_BYTES || pending.length >= MAX_LOG_BATCH_LINES) await flush()
        pending.push(line)
        bytes += size
      }
      if (queued > MAX_QUEUED) await writing
      if (failure !== null) throw failure
      if (first) await flush()
      else flushSoon()
      first = false
    }
  } finally {
    await flush()
  }
}
