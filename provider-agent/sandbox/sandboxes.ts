/**
 * Networks for jobs, made ahead: half of a container's start is its network. A job's container joins one that is ready.
 * See docs/decisions/0034-sandbox-pool.md.
 */

import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { retried } from '../../node/backoff.ts'
import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import { createNetwork, dropNetwork } from '../networks/network.ts'
import type { Sandbox } from '../networks/network-mode.ts'
import { holderLabels, removeHolder, sandboxName, sweepHolders, unusedHolders } from './holder.ts'
import { createNetworks, type Networks } from './networks.ts'
import { type OpenPool, openPool, type SandboxSetting } from './open-pool.ts'
import { watchHolders } from './sweep.ts'

/** What the engine's `create` has of networks made ahead. */
export interface Sandboxes {
  /**
   * It is known what the engine is. Tries in the background whether jobs can be put into sandboxes, and keeps some ready
   * where they can. Repeating it with the same changes nothing.
   */
  open(setting: SandboxSetting): void
  /** One that is ready, for one container alone under this runtime; null where there is none. */
  take(runtime: string | null): Sandbox | null
  /** Those that one container has after the other, for who finds none ready; null where each makes its own. */
  networks(): Networks | null
  /** How many are ready. */
  ready(): number
  /** Removes all that no container has taken. */
  close(): Promise<void>
}

/** Whose sandboxes they are, and how many. */
export interface SandboxesInit {
  /** Peer id of the agent. */
  owner: string
  /** How many are kept ready at least; more while more jobs come at once. Range 0..64; 0 is none. @default 2 */
  least?: number
}

/** How long one step may take, in ms. */
const STEP_MS = 30_000
/** How many networks that nobody has are kept, for each sandbox that is. */
const IDLE_NETWORKS = 8
/** Tries of the first one, over a few minutes. */
const OPEN_TRIES = 40
/** How long the end waits for an engine that does not answer, in ms. */
const LAST_SWEEP_MS = 10_000

const newRun = (): string => randomBytes(6).toString('hex')

/** Makes nothing before {@link Sandboxes.open}. */
export function createSandboxes(
  components: { docker: Docker; clock: Clock; logger: Logger },
  { owner, least = 2 }: SandboxesInit,
): Sandboxes {
  const { docker, clock, logger } = components
  const scope = new AbortController()
  /** Networks are lent until the agent ends, whatever becomes of its sandboxes. */
  const networksRun = newRun()
  let pool: OpenPool | null = null
  let networks: Networks | null = null
  let known = ''
  let opening: Promise<void> = Promise.resolve()
  let watching: Promise<void> | null = null

  // Steps are not interrupted when the agent stops: what is half made would be left.
  const step = () => ({ abortSignal: AbortSignal.timeout(STEP_MS) })
  const remove = async ({ name }: Sandbox): Promise<void> => await removeHolder(docker, name, step())

  async function begin(setting: SandboxSetting): Promise<OpenPool | null> {
    // Each try is a run of its own: what one has left that broke off with its engine, the next one sweeps.
    const run = newRun()
    const swept = await sweepHolders(docker, owner, [run, networksRun], step())
    if (swept.length > 0) logger.info({ swept }, 'removed sandboxes of an earlier run')
    if (least === 0) return null
    networks ??= openNetworks()
    const found = { docker, clock, logger, remove }
    return await openPool(found, { owner, run, least, setting, abort: step })
  }

  function openNetworks(): Networks {
    const labels = holderLabels(owner, networksRun)
    return createNetworks(
      {
        ...{ clock, logger },
        nextName: () => sandboxName(owner),
        make: async (name) => void (await createNetwork(docker, { name, owner, labels }, step())),
        remove: async (name) => await dropNetwork(docker, name, step()),
      },
      { most: least * IDLE_NETWORKS },
    )
  }

  async function reopen(setting: SandboxSetting): Promise<void> {
    const before = pool
    pool = null
    await before?.stop()
    pool = await retried(
      clock,
      scope.signal,
      (_, attempt) => attempt < OPEN_TRIES,
      async () => await begin(setting),
    )
  }

  const sweep = {
    ...{ clock, logger },
    unused: async () => await unusedHolders(docker, owner, [], step()),
    isHeld: (name: string) => pool?.has(name) === true || networks?.has(name) === true,
    remove: async (name: string) => await removeHolder(docker, name, step()),
  }

  return {
    open(setting) {
      const now = JSON.stringify(setting)
      if (now === known || scope.signal.aborted) return
      known = now
      watching ??= watchHolders(sweep, scope.signal)
      opening = opening
        .then(async () => await reopen(setting))
        .catch((error) => {
          if (!scope.signal.aborted) logger.warn({ error: String(error) }, 'no sandboxes are kept ready')
        })
    },
    take: (runtime) => (pool?.suits(runtime) === true ? pool.take() : null),
    networks: () => networks,
    ready: () => pool?.size() ?? 0,
    async close() {
      scope.abort(new Error('The agent stops'))
      await opening
      await watching
      await Promise.all([pool?.stop(), networks?.stop()])
      pool = null
      if (watching === null) return
      const abort = { abortSignal: AbortSignal.timeout(LAST_SWEEP_MS) }
      await sweepHolders(docker, owner, [], abort).catch((error) =>
        logger.warn({ error: String(error) }, 'sandboxes may be left'),
      )
    },
  }
}
