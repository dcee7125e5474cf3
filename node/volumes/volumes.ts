/** The volumes of this peer, as their providers tell of them; a record of each outlives the process. */

import { ANY_PROVIDER } from '../../protocol/job-defaults.ts'
import type { JobSpec } from '../../protocol/job-spec.ts'
import { createBackground } from '../background.ts'
import { deadline } from '../deadline.ts'
import type { VolumeRecord } from '../store/index.ts'
import { askProvider, isUnanswered } from './ask-provider.ts'
import { type RunningVolumes, VolumeError } from './index.ts'
import { createNoting } from './noting.ts'
import { createRefreshing, isThere, type VolumesComponents } from './refreshing.ts'
import { usersOf } from './users.ts'
import { costOf, resumed, stopped, touched } from './volume-account.ts'
import { createVolumeFiles } from './volume-files.ts'

/** Time between two rounds of asking the providers, in ms. */
const EVERY_MS = 30_000
/** How long a look at one volume waits for its provider, in ms. */
const LOOK_MS = 5_000

/** Knows none before `start` has read the store. */
export function createVolumes(components: VolumesComponents): RunningVolumes {
  const { store, clock, logger } = components
  const records = new Map<string, VolumeRecord>()
  const { keep, change, leave, holderOf, heard, refresh, round } = createRefreshing(components, records)
  const background = createBackground({ logger, clock })
  const scope = new AbortController()

  /** @throws {VolumeError} */
  function existing(id: string): VolumeRecord {
    const record = records.get(id)
    if (record === undefined || !isThere(record)) throw unknown(id)
    return record
  }

  /** Its provider counts its time anew. */
  function used({ id }: VolumeRecord): void {
    change(id, (now) => (now.account === undefined ? now : { ...now, account: touched(clock, now.account) })).catch(
      (error) => logger.warn({ volume: id, error: String(error) }, 'the use of a volume was not written down'),
    )
  }

  async function keptFor(id: string, keepSeconds: number): Promise<void> {
    await change(id, (now) => (now.account === undefined ? now : { ...now, account: { ...now.account, keepSeconds } }))
  }

  return {
    list: (owner) =>
      [...records.values()]
        .filter((record) => owner === undefined || record.owner === owner)
        .toSorted((a, b) => b.createdAtMs - a.createdAtMs || (a.id < b.id ? 1 : -1)),
    get: (id) => records.get(id),
    async look(id) {
      const record = records.get(id)
      if (record === undefined || !isThere(record)) return record
      const limit = deadline(clock, LOOK_MS, scope.signal)
      // What was heard last is told where it does not answer.
      await refresh(holderOf(record), limit.signal).catch(() => undefined)
      limit.clear()
      return records.get(id)
    },
    users: async (some) => await usersOf(store, some),
    place(owner, spec) {
      return spec.volumes.reduce((placed, { volume: id }, index) => {
        if (id === undefined) return placed
        const record = records.get(id)
        if (record === undefined || record.owner !== owner || record.state !== 'kept') throw unknown(id, index)
        return at(placed, record, index)
      }, spec)
    },
    costOf: (record) => costOf(clock, record),
    receipts: store.volumeReceipts,
    note: createNoting({ clock }, records, { keep, change, leave }),
    files: createVolumeFiles(components, (id) => {
      const record = existing(id)
      used(record)
      return holderOf(record)
    }),
    async extend(id, keepSeconds) {
      const record = existing(id)
      const before = record.account?.keepSeconds ?? 0
      // First, so that it is paid for so long where its provider does it and the answer is lost.
      await keptFor(id, Math.max(before, keepSeconds))
      const value = { id, keepSeconds }
      const asking = askProvider(components, holderOf(record), { case: 'extend', value }, scope.signal)
      const { volumes, draining } = await asking.catch(async (error) => {
        if (!isUnanswered(error)) await keptFor(id, before)
        throw error
      })
      await keptFor(id, keepSeconds)
      const told = await heard(record, { volumes: new Map(volumes.map((volume) => [volume.id, volume])), draining })
      return told ?? record
    },
    async delete(id) {
      await leave(id)
      const before = existing(id)
      // Who wants no more of it pays no more for it, however long it takes.
      const record = await keep({ ...before, state: 'deleting', ...stopped(clock, before) })
      const holder = holderOf(record)
      try {
        await askProvider(components, holder, { case: 'delete', value: { id } }, scope.signal)
        await refresh(holder, scope.signal)
      } catch (error) {
        if (!(error instanceof VolumeError)) throw error
        if (error.code === 'VOLUME_IN_USE') {
          await change(id, (now) =>
            now.state === 'deleting' ? { ...now, ...resumed(now, before), state: 'kept' } : now,
          )
          throw error
        }
        // It has ended before: what is still owed of it is told with the others, where anything is.
        if (error.code === 'UNKNOWN_VOLUME') await refresh(holder, scope.signal).catch(() => undefined)
      }
      return records.get(id) ?? record
    },
    async start() {
      for (const [id, record] of await store.volumes()) records.set(id, record)
      background.run('volumes', async (signal) => {
        while (!signal.aborted) {
          await round(signal)
          await clock.sleep(EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
        }
      })
    },
    async stop() {
      scope.abort(new Error('The node is stopping'))
      await background.stop()
    },
  }
}

/** The spec at the provider that has the volume. @throws {VolumeError} */
function at(spec: JobSpec, { id, provider }: VolumeRecord, index: number): JobSpec {
  if (spec.provider === provider || spec.provider === ANY_PROVIDER) return { ...spec, provider }
  throw new VolumeError(
    'ELSEWHERE',
    `lies at ${provider}, and the job goes to ${spec.provider}: ${id} cannot be there`,
    {
      index,
    },
  )
}

function unknown(id: string, index?: number): VolumeError {
  return new VolumeError('UNKNOWN_VOLUME', `There is no volume ${id}`, index === undefined ? {} : { index })
}
