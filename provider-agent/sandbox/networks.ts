/**
 * Bridge networks that one job has after the other: to make one and to remove it takes an engine longer than all the rest of
 * a container that ends at once. Never two jobs at a time are on one.
 */

import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'

/** A network that one container has, until it is given back. */
export interface LentNetwork {
  /** As the engine names it. */
  name: string
  /** Resolves when it is there; rejects where it cannot be made, and then it is lent no more. */
  made: Promise<void>
}

/** Lends networks, and keeps some that were given back for the next. */
export interface Networks {
  /** One for a container, the same each time until it is given back. */
  lend(container: string): LentNetwork
  /** The container is gone: the next one may have its network, where it had one. */
  giveBack(container: string): Promise<void>
  /** Whether a network is one of these, lent or not. One of an earlier run of the agent is not. */
  has(network: string): boolean
  /** Removes those that nobody has. */
  stop(): Promise<void>
}

/** What {@link createNetworks} works with. */
export interface NetworksComponents {
  clock: Clock
  logger: Logger
  /** A name for another one. */
  nextName: () => string
  /** Makes one; one of that name is taken for it. */
  make: (name: string) => Promise<void>
  remove: (name: string) => Promise<void>
}

/** How many networks wait for nobody in particular. */
export interface NetworksInit {
  /** How many that nobody has are kept at most. Range 1..256. */
  most: number
}

/** How long one that nobody wants is kept, in ms. */
const IDLE_MS = 30_000

/** There is none at first: each is made when it is asked for. */
export function createNetworks(components: NetworksComponents, { most }: NetworksInit): Networks {
  const { clock, logger, nextName, make, remove } = components
  const lent = new Map<string, LentNetwork>()
  /** The one given back last is at the end, and lent first. */
  const idle: { name: string; keeping: AbortController }[] = []
  let hasStopped = false

  /** What cannot be removed now is found later by who looks for what nobody has. */
  async function removed(name: string): Promise<void> {
    await remove(name).catch((error) =>
      logger.warn({ network: name, error: String(error) }, 'a network could not be removed'),
    )
  }

  async function keep(name: string): Promise<void> {
    const entry = { name, keeping: new AbortController() }
    idle.push(entry)
    try {
      await clock.sleep(IDLE_MS, entry.keeping.signal)
    } catch {
      return // It was lent, or the agent stops.
    }
    idle.splice(idle.indexOf(entry), 1)
    await removed(name)
  }

  return {
    lend(container) {
      const before = lent.get(container)
      if (before !== undefined) return before
      const entry = idle.pop()
      entry?.keeping.abort()
      const name = entry?.name ?? nextName()
      // Asked for even where it was given back: somebody may have tidied up the engine.
      const made = make(name).catch((error) => {
        lent.delete(container)
        throw error
      })
      const network = { name, made }
      lent.set(container, network)
      return network
    },
    async giveBack(container) {
      const network = lent.get(container)
      if (network === undefined) return
      lent.delete(container)
      if (hasStopped || idle.length >= most) await removed(network.name)
      else void keep(network.name)
    },
    has: (network) => [...lent.values(), ...idle].some(({ name }) => name === network),
    async stop() {
      hasStopped = true
      const left = idle.splice(0)
      for (const { keeping } of left) keeping.abort()
      await Promise.all(left.map(async ({ name }) => await removed(name)))
    },
  }
}
