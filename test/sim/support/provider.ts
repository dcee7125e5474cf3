/** One provider of the model: a machine, a disk, and agents on them that come and go. */

import { tmpdir } from 'node:os'
import { MemoryLevel } from 'memory-level'
import type { Logger } from '../../../node/logger.ts'
import type { Database } from '../../../node/store/database.ts'
import { type Agent, createAgent } from '../../../provider-agent/agent.ts'
import type { MemoryHub, MemoryPeer } from '../../support/memory-network.ts'
import { MARKET } from '../../support/test-requester.ts'
import { createLife, type Life, mortal } from './life.ts'
import type { Machine } from './machine.ts'
import type { ModelClock } from './model-clock.ts'
import { mortalNetwork, type Tap } from './network.ts'
import { keyOf } from './reproducible.ts'

export interface Provider {
  readonly index: number
  readonly machine: Machine
  readonly disk: Database
  readonly peerId: string
  /** The process that runs now; null between two. */
  readonly process: { agent: Agent; life: Life; peer: MemoryPeer; started: boolean; stopping: boolean } | null
  /** When the newest process began, in ms of the model. */
  readonly bootedAtMs: number
  boot(): Promise<void>
  kill(): void
  /** Ends as the owner asks it to. */
  stop(): void
}

export interface ProviderComponents {
  hub: MemoryHub
  time: ModelClock
  logger: Logger
  machine: Machine
  tap: (provider: Provider) => Tap
  /** The process failed to start, other than by being killed. */
  onFault: (what: string, error: unknown) => void
}

/** Whole cents apart, so that ranking by cost is the same in every run. */
const CENT = 10_000_000n

export async function createProvider(components: ProviderComponents): Promise<Provider> {
  const { hub, time, logger, machine, tap, onFault } = components
  const { index } = machine
  const privateKey = await keyOf(index + 1)
  const disk = memoryDisk()
  let process: Provider['process'] = null
  let bootedAtMs = 0
  let peerId = ''

  const provider: Provider = {
    index,
    machine,
    disk,
    get peerId() {
      return peerId
    },
    get process() {
      return process
    },
    get bootedAtMs() {
      return bootedAtMs
    },

    async boot() {
      if (process !== null) return
      const peer = await hub.join(privateKey)
      peerId = peer.network.peerId
      const timers = time.process(machine)
      const life = createLife(() => {
        timers.drop()
        peer.leave()
        if (process?.life === life) process = null
      })
      const agent = createAgent(
        {
          engine: machine.engine(life),
          guard: machine.guard(life),
          network: mortalNetwork(peer.network, life, tap(provider)),
          privateKey,
          clock: timers.clock,
          logger,
          inspect: async (info) => ({ ...info, freeStorageBytes: 100 * 2 ** 30, gpus: [] }),
          freeBytes: async () => 100 * 2 ** 30,
          openDatabase: async () => mortalDisk(disk, life),
          diskProblem: async () => (machine.diskFull ? 'has no room left for its own data' : null),
        },
        {
          marketName: MARKET,
          dataFolder: tmpdir(),
          name: `provider ${index}`,
          ownerShare: 0,
          prices: {
            cpuPerCoreHour: BigInt(index + 1) * CENT,
            memoryPerGbHour: 0n,
            storagePerGbHour: 0n,
            gpuPerHour: 0n,
            networkPerGb: 0n,
            minimumPerJob: 0n,
            volumePerGbHour: 0n,
          },
          // What only repeats itself costs most of an idle run, and shows nothing new.
          statsMs: 20_000,
          announceMs: 30_000,
          healthMs: 5_000,
        },
      )
      const own = { agent, life, peer, started: false, stopping: false }
      process = own
      bootedAtMs = time.elapsedMs
      agent.start().then(
        () => {
          own.started = true
        },
        (error) => onFault(`provider ${index} did not start`, error),
      )
    },

    kill: () => process?.life.end(),

    stop() {
      const own = process
      if (own === null || own.stopping) return
      own.stopping = true
      own.agent.stop().then(
        () => own.life.end(),
        (error) => onFault(`provider ${index} did not stop`, error),
      )
    },
  }
  return provider
}

/** A disk that outlives the processes that use it. */
export function memoryDisk(): Database {
  return new MemoryLevel<string, string>() as unknown as Database
}

export function mortalDisk(disk: Database, life: Life): Database {
  const own = mortal(disk, life, ['batch'])
  return new Proxy(own, {
    get: (target, property) => (property === 'close' ? async () => undefined : Reflect.get(target, property)),
  })
}
