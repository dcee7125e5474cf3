import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { keptLabel } from '../engine/labels.ts'
import type { KeptRecord } from '../journal/records.ts'
import { keptVolumeName } from '../lease/container.ts'
import { keptKey } from './keeping-rules.ts'
import type { KeptRecords } from './kept-records.ts'

/** Time between two looks for what is over, in ms. */
const EVERY_MS = 15_000
/** How long one look, or one removal, may take, in ms. */
const STEP_MS = 10_000

/** Removes volumes from the engine that nobody wants any more. */
export interface KeptSweep {
  /** Rejects where the engine does not remove it now. */
  remove(record: KeptRecord): Promise<void>
  /** The removal of a volume that is under way. */
  removal(key: string): Promise<void> | undefined
  /** Looks now and again, until it is stopped. */
  watch(): void
  stop(): Promise<void>
}

/** @param init.owner peer id of this provider */
export function createKeptSweep(
  {
    engine,
    records,
    clock,
    logger,
  }: {
    engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>
    records: KeptRecords
    clock: Clock
    logger: Logger
  },
  { owner }: { owner: string },
): KeptSweep {
  const removals = new Map<string, Promise<void>>()
  const scope = new AbortController()
  let watching: Promise<void> = Promise.resolve()
  const nameOf = ({ requester, id }: KeptRecord): string => keptVolumeName(owner, requester, id)

  async function within<T>(step: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const limit = deadline(clock, STEP_MS, scope.signal)
    return await step(limit.signal).finally(limit.clear)
  }

  async function remove(record: KeptRecord): Promise<void> {
    const key = keptKey(record)
    const running = removals.get(key)
    if (running !== undefined) return await running
    const removing = (async () => {
      await within(async (signal) => await engine.removeVolume(nameOf(record), { signal }))
      await records.removed(record)
      logger.info({ volume: record.id, requester: record.requester }, 'removed a volume')
    })().finally(() => removals.delete(key))
    removals.set(key, removing)
    await removing
  }

  /** Removes what is over, forgets what the engine has lost, and removes what the journal knows nothing of. */
  async function look(): Promise<void> {
    await records.forget()
    for (const record of [...records.all.values()].filter(records.isOver)) {
      await remove(record).catch((error) => logger.debug({ volume: record.id, error }, 'a volume was not removed'))
    }
    // One that a job has may not be made yet.
    const known = [...records.all.values()].filter((record) => !records.isUsed(keptKey(record)))
    const found = await within(async (signal) => await engine.volumes(owner, { signal }))
    const names = new Set(found.map(({ name }) => name))
    for (const record of known.filter((one) => !names.has(nameOf(one)))) {
      if (records.isUsed(keptKey(record)) || records.all.get(keptKey(record)) !== record) continue
      logger.warn({ volume: record.id }, 'a volume is not on the engine')
      await records.drop(record)
    }
    const wanted = new Set([...records.all.values()].map(nameOf))
    for (const { name } of found.filter(({ labels }) => labels[keptLabel] !== undefined)) {
      if (!wanted.has(name)) await within(async (signal) => await engine.removeVolume(name, { signal }))
    }
  }

  return {
    remove,
    removal: (key) => removals.get(key),
    watch() {
      watching = (async () => {
        while (!scope.signal.aborted) {
          await look().catch((error) => {
            if (!scope.signal.aborted) logger.debug({ error: String(error) }, 'volumes were not looked at')
          })
          await clock.sleep(EVERY_MS, scope.signal).catch(() => undefined) // aborted: the loop ends
        }
      })()
    },
    async stop() {
      scope.abort(new Error('The agent stops'))
      await watching
      await Promise.allSettled(removals.values())
    },
  }
}
