import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { Database } from './database.ts'

/** A database whose batches are tried until they succeed: what was taken on is never lost because a disk was full for a while. */
export interface RetryingDatabase {
  /** Only its `batch` may be used. */
  database: Pick<Database, 'batch'>
  /** Why the newest try failed; null when it worked. */
  problem(): string | null
  /** From now on a failure is final. */
  giveUp(): void
}

/** What {@link createRetryingDatabase} works with. */
export interface RetryingComponents {
  database: Pick<Database, 'batch'>
  clock: Clock
  logger: Logger
}

const RETRY_MS = 500

/**
 * Tries every 500 ms; that storing fails is logged once, and that it works again, too. A closed database is an error at
 * once.
 */
export function createRetryingDatabase({ database, clock, logger }: RetryingComponents): RetryingDatabase {
  let problem: string | null = null
  const scope = new AbortController()

  function failed(error: unknown): void {
    const { message, cause } = error instanceof Error ? error : new Error(String(error))
    const why = cause instanceof Error ? cause.message : message
    if (problem === null) logger.error({ error: why }, 'nothing can be stored')
    problem = why
  }

  async function batch(...args: Parameters<Database['batch']>): Promise<void> {
    for (;;) {
      try {
        await (database.batch as (...args: unknown[]) => Promise<void>)(...args)
        if (problem !== null) logger.info({}, 'storing works again')
        problem = null
        return
      } catch (error) {
        // Closed: nobody will open it again.
        if ((error as { code?: string }).code === 'LEVEL_DATABASE_NOT_OPEN') throw error
        failed(error)
        await clock.sleep(RETRY_MS, scope.signal)
      }
    }
  }

  return {
    database: { batch } as unknown as Pick<Database, 'batch'>,
    problem: () => problem,
    giveUp: () => scope.abort(new Error('The store closes')),
  }
}
