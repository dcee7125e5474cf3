/** Removes what agents left on an engine that will not come back for it. */

import type Docker from 'dockerode'
import type { Clock } from '../../node/clock.ts'
import { deadline } from '../../node/deadline.ts'
import type { Logger } from '../../node/logger.ts'
import type { ContainerEngine } from '../engine/index.ts'
import { clearVolumeFiles } from '../engine/volume-access.ts'
import { lasting } from '../lasting.ts'
import { sweepHolders } from '../sandbox/holder.ts'
import { removeJobGroup } from '../weights/job-group.ts'
import { forEachEnded, forEachGone } from './known-agents.ts'

/** How often it is looked for agents that have gone, in ms. */
const EVERY_MS = 30_000
/** How long one look may take, in ms. */
const STEP_MS = 60_000

/** Looks at once, and again and again until it is stopped. */
export function watchAbandoned(components: Components, init: { engineSocket: string }): { stop(): Promise<void> } {
  const scope = new AbortController()
  const watching = watch(components, init, scope.signal)
  return {
    async stop() {
      scope.abort(new Error('The agent stops'))
      await watching
    },
  }
}

async function watch(
  { docker, engine, clock, logger }: Components,
  { engineSocket }: { engineSocket: string },
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    // Those that came to their end while jobs were in theirs, or were killed.
    await forEachEnded(async (owner) => await removeJobGroup(owner)).catch((error) => {
      logger.warn({ error: String(error) }, 'empty control groups of other agents were not removed')
    })
    await forEachGone(engineSocket, async (owner) => {
      const removed = await lasting(clock, signal, async (until) => {
        const limit = deadline(clock, STEP_MS, until)
        return await removeAll({ docker, engine }, owner, limit.signal).finally(limit.clear)
      })
      if (removed.length > 0) logger.info({ owner, removed }, 'removed what an agent left that is gone for good')
    }).catch((error) => {
      if (!signal.aborted) logger.warn({ error: String(error) }, 'what agents left that are gone was not removed')
    })
    await clock.sleep(EVERY_MS, signal).catch(() => undefined) // aborted: the loop ends
  }
}

interface Components {
  docker: Docker
  engine: Pick<ContainerEngine, 'list' | 'remove' | 'volumes' | 'removeVolume'>
  clock: Clock
  logger: Logger
}

/** Containers before the volumes and networks that they use. Answers names of all that was there. */
async function removeAll(
  { docker, engine }: Pick<Components, 'docker' | 'engine'>,
  owner: string,
  signal: AbortSignal,
): Promise<string[]> {
  await clearVolumeFiles(docker, owner, signal)
  const containers = (await engine.list(owner, { signal })).map(({ name }) => name)
  for (const name of containers) await engine.remove(name, { signal })
  const volumes = (await engine.volumes(owner, { signal })).map(({ name }) => name)
  for (const name of volumes) await engine.removeVolume(name, { signal })
  const holders = await sweepHolders(docker, owner, [], { abortSignal: signal })
  return [...containers, ...volumes, ...holders]
}
