import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import { UPLOAD_KEPT_MS, type Uploads } from './index.ts'
import { keyOf, type NamedUploads } from './named.ts'
import type { UploadBook } from './upload-book.ts'

/** How often what is too old is looked for, in ms. */
const SWEEP_MS = 600_000
/** How long what is named may go without that being written as a use, in ms. */
const NAMED_USE_MS = 3_600_000

/** Forgets uploads that nobody uses or names any more. */
export interface Sweeper {
  /** From now on from time to time; not at once, since who names uploads says so after this is started. */
  start(): void
  stop(): Promise<void>
  now(): Promise<void>
}

/** What {@link createSweeper} works with. */
export interface SweeperComponents {
  book: UploadBook
  named: NamedUploads
  read: Uploads['open']
  isBusy: (id: string) => boolean
  clock: Clock
  logger: Logger
}

/** Does nothing before it is started, or asked to. */
export function createSweeper({ book, named, read, isBusy, clock, logger }: SweeperComponents): Sweeper {
  const scope = new AbortController()
  let sweeping: Promise<void> | null = null
  let looking: Promise<void> = Promise.resolve()

  async function sweep(): Promise<void> {
    const all = await named.all({ find: async (owner, sha256) => book.complete(owner, sha256), open: read })
    for (const upload of book.all.values()) {
      if (isBusy(upload.id)) continue
      const idleMs = clock.nowMs() - upload.usedAtMs
      if (upload.sha256 !== null && all.has(keyOf(upload.owner, upload.sha256))) {
        if (idleMs > NAMED_USE_MS) await book.change(upload, { usedAtMs: clock.nowMs() })
      } else if (idleMs > UPLOAD_KEPT_MS) await book.remove(upload)
    }
  }

  /** One at a time. */
  function now(): Promise<void> {
    sweeping ??= sweep()
      .catch((error) => logger.error({ error: String(error) }, 'old uploads were not looked for'))
      .finally(() => {
        sweeping = null
      })
    return sweeping
  }

  async function look(): Promise<void> {
    for (;;) {
      await clock.sleep(SWEEP_MS, scope.signal).catch(() => undefined) // stopped: the loop ends
      if (scope.signal.aborted) return
      await now()
    }
  }

  return {
    start() {
      looking = look()
    },
    async stop() {
      scope.abort(new Error('The node is stopping'))
      await looking
      await sweeping
    },
    now,
  }
}
