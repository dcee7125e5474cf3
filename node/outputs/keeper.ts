import { isTerminal } from '../../protocol/lifecycle.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { JobRecord, JobStore } from '../store/index.ts'
import { isToCome, type Outputs } from './index.ts'
import { createBringing } from './kept/bringing.ts'
import { createForgetting } from './kept/forgetting.ts'
import { noteIn } from './kept/note.ts'
import { createOutputFolder } from './kept/output-folder.ts'
import { createOutputRoom } from './kept/room.ts'

/** Where outputs are kept, how much of them, and for how long. */
export interface OutputKeeperInit {
  /** Made where it is missing; one process at a time. */
  folder: string
  /** All of them together, in bytes; beyond it the oldest go of the owner who has the most. @default a tenth of the disk */
  roomBytes?: number
  /** What stays free of the disk, in bytes: what would take of it waits at its provider. @default 0 */
  minFreeBytes?: number
  /** How long one is kept, in ms. @default 30 days */
  retentionMs?: number
}

/** Outputs in the hands of the node that starts and stops them. */
export interface OutputKeeper extends Outputs {
  /** Takes up what the last process left. */
  start(): Promise<void>
  /** Jobs whose output waits at its provider for room here. */
  held(): string[]
  /** What is on its way is fetched further by the next process. */
  stop(): Promise<void>
}

const DAY_MS = 24 * 3_600_000
/** How often what is too old is looked for, and whether there is room now for what waits for it, in ms. */
const SWEEP_MS = 3_600_000

/** Keeps what this peer's jobs leave: fetches each at its end, over crashes, and lets go of the old. */
export function createOutputKeeper(
  components: {
    network: PeerNetwork
    store: Pick<JobStore, 'get' | 'change' | 'onChange'>
    clock: Clock
    logger: Logger
  },
  init: OutputKeeperInit,
): OutputKeeper {
  const { network, store, clock, logger } = components
  const { retentionMs = 30 * DAY_MS } = init
  const scope = new AbortController()
  const folder = createOutputFolder(init.folder)
  const note = noteIn(store)
  const room = createOutputRoom({ folder, path: init.folder }, init)
  const { makeRoom, forgetOld } = createForgetting({ folder, room, store, note, clock }, { retentionMs })
  const bring = createBringing({ network, clock, logger, folder, note, makeRoom }, scope.signal)
  /** Those that wait at their providers for room here, by job. */
  const held = new Set<string>()
  const watched = new Map<string, () => void>()
  const settling = new Set<Promise<void>>()
  let sweeping: Promise<void> = Promise.resolve()

  function watch(jobId: string): void {
    if (watched.has(jobId) || scope.signal.aborted) return
    const look = (): void => {
      void store
        .get(jobId)
        .then((job) => {
          if (job === undefined || isTerminal(job.state.status)) settle(jobId, job)
        })
        .catch((error: unknown) => logger.error({ jobId, error }, 'an output was not looked after'))
    }
    watched.set(jobId, store.onChange(jobId, look))
    look()
  }

  /** The job is over: what it left is fetched, or there is nothing to wait for. */
  function settle(jobId: string, job: JobRecord | undefined): void {
    const stop = watched.get(jobId)
    if (stop === undefined) return
    watched.delete(jobId)
    stop()
    const settled = (async () => {
      const { output } = job ?? {}
      if (job !== undefined && isToCome(output) && (await bring(job, output)) === 'held') held.add(jobId)
      else await folder.settled(jobId)
    })().catch((error: unknown) => {
      if (!scope.signal.aborted) logger.error({ jobId, error }, 'an output was not fetched')
    })
    settling.add(settled)
    void settled.then(() => settling.delete(settled))
  }

  async function sweep(): Promise<void> {
    while (!scope.signal.aborted) {
      await forgetOld()
      for (const jobId of [...held]) {
        held.delete(jobId)
        watch(jobId)
      }
      await clock.sleep(SWEEP_MS, scope.signal).catch(() => undefined) // stopped: the loop ends
    }
  }

  return {
    open: folder.open,
    async forget(jobId) {
      watched.get(jobId)?.()
      watched.delete(jobId)
      await folder.settled(jobId)
      await folder.remove(jobId, 'tar')
    },
    held: () => [...held],
    async start() {
      await folder.make()
      for (const jobId of await folder.expected()) watch(jobId)
      sweeping = sweep().catch((error: unknown) => logger.error({ error }, 'old outputs were not looked for'))
    },
    async stop() {
      scope.abort(new Error('The node is stopping'))
      for (const stop of watched.values()) stop()
      watched.clear()
      await Promise.all([...settling, sweeping])
    },
    async expect(jobId) {
      if (watched.has(jobId)) return
      await folder.expect(jobId)
      watch(jobId)
    },
  }
}
