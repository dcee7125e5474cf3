/**
 * Keeps all jobs of an agent together to so many bits a second each way, and shares those out among them. See
 * docs/decisions/0076-the-owners-work-first.md.
 */

import type { Logger } from '../../node/logger.ts'
import { createDevices, type Devices } from './devices.ts'
import { formatRate } from './rate.ts'
import { handingOf, planOf, removeLines, type Shaped, WAYS } from './shaping.ts'

/** What holds jobs to their bandwidth. */
export interface Shaper {
  /**
   * The engine was looked at. Where the rate can be held, it is from now on; where not, the owner is told.
   *
   * @param isHere whether the engine's bridges are where this process is
   * @param isFiltered asked, where there is a rate to be held, whether packets on bridges are shown to the firewall of jobs, which
   * would forget their connections on a way through devices
   */
  begin(isHere: boolean, isFiltered?: () => Promise<boolean>): Promise<void>
  /**
   * Resolves when the bridge of every job that is there now is held to the rate, and where none ever was. Rejects where they
   * were and no longer can be.
   */
  ensure(): Promise<void>
  /** As {@link Shaper.ensure}, for containers that have begun since: where their own ends of the network are what is held. */
  ensureBegun(): Promise<void>
  /** Looks again and puts back what somebody took out. Why that cannot be done, for people; null where {@link Shaper.ensure} resolves. */
  problem(): Promise<string | null>
  /** How it stands, for the owner. */
  state(): Bandwidth
  /** Takes it out where no job's bridge is left. */
  stop(): Promise<void>
}

/** How fast all jobs together may be. */
export interface Bandwidth {
  /** Bits a second each way; null where jobs have what the machine has. */
  rate: number | null
  /** Why nobody is held to it, for people; null where all are. */
  problem: string | null
}

/** Whose jobs, and how fast. */
export interface ShaperInit {
  /** Peer id of the agent. */
  owner: string
  /** Bits a second each way, 64_000..1e12; null holds nobody, and takes out what an earlier run has left. */
  rate: number | null
}

/** Touches nothing before {@link Shaper.begin}. */
export function createShaper({ logger }: { logger: Logger }, { owner, rate }: ShaperInit): Shaper {
  let shaped: Shaped[] = []
  let failure: string | null = null
  let inForce = false
  let atPorts = false
  /** Whether the devices are as this process made them. */
  let isOwn = false
  let looking: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | null = null

  const devices = createDevices(owner)

  async function look(most: number): Promise<void> {
    const seen = await devices.look()
    // What an earlier run left had another rate, or other numbers.
    if (!isOwn || seen.devices.size < WAYS.length) {
      await devices.make()
      shaped = []
      isOwn = true
      seen.devices.clear()
    }
    const plan = planOf(owner, most, shaped, { ...seen, atPorts })
    try {
      await devices.apply(plan.first)
    } catch (error) {
      isOwn = false // Half of it may be there: the next look begins anew.
      throw error
    }
    shaped = plan.kept
    for (const { bridge, lines } of plan.added) {
      try {
        await devices.apply(lines)
        shaped.push(bridge)
      } catch (error) {
        await devices.apply(removeLines(owner, bridge), { force: true }).catch(() => undefined) // what is not there
        // Jobs end while this looks, and their bridges and what is plugged into those with them.
        const now = (await devices.bridges()).find(({ index }) => index === bridge.index)
        if (bridge.ports.every((port) => now?.ports.includes(port)) && now !== undefined) throw error
      }
    }
  }

  /** One look after the other: whoever comes during one waits for the next, which sees its bridge. */
  async function lookNext(most: number): Promise<void> {
    waiting ??= looking
      .catch(() => undefined) // whoever asked for that one has heard
      .then(async () => {
        waiting = null
        looking = look(most)
        await looking
      })
    await waiting
  }

  async function ensure(): Promise<void> {
    if (!inForce || rate === null) return
    try {
      await lookNext(rate)
      failure = null
    } catch (error) {
      failure = (error as Error).message
      throw error
    }
  }

  return {
    async begin(isHere, isFiltered = async () => false) {
      if (inForce) return
      if (rate === null) {
        if (isHere) await letGo(devices).catch(() => undefined) // who may not look has left nothing either
        return
      }
      const before = failure
      atPorts = isHere && (await isFiltered())
      failure = isHere
        ? await lookNext(rate).then(
            () => null,
            (error: Error) => error.message,
          )
        : 'the engine keeps its networks elsewhere'
      inForce = failure === null
      const found = { rate: formatRate(rate), problem: failure }
      if (inForce) logger.info({ rate: found.rate }, 'all jobs together are held to this bandwidth, each way')
      else if (failure !== before) logger.warn(found, 'jobs are not held to a bandwidth')
    },
    ensure,
    async ensureBegun() {
      if (atPorts) await ensure()
    },
    async problem() {
      return await ensure().then(
        () => null,
        (error: Error) => `cannot hold jobs to their bandwidth: ${error.message}`,
      )
    },
    state: () => ({ rate, problem: rate === null ? null : failure }),
    async stop() {
      if (!inForce) return
      inForce = false
      await looking.catch(() => undefined) // whoever asked for it has heard
      try {
        if ((await devices.bridges()).length === 0) await devices.remove()
      } catch (error) {
        logger.warn({ error: String(error) }, 'what holds jobs to a bandwidth is left')
      }
    },
  }
}

/** Of jobs that an earlier run held to a rate. */
async function letGo(devices: Devices): Promise<void> {
  const { bridges, handing, made } = await devices.look()
  if (made.length === 0) return
  const held = bridges.flatMap((bridge) => handingOf(bridge, { handing }))
  await devices.apply(held.map((point) => `qdisc del dev ${point} clsact`))
  await devices.remove()
}
