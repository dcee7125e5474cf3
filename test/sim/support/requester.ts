/** The requester of the model: a job store, and processes on it that come and go. */

import type { Clock } from '../../../node/clock.ts'
import { createDirectory } from '../../../node/directory/directory.ts'
import type { Logger } from '../../../node/logger.ts'
import { createRequester, type RunningRequester } from '../../../node/market/requester.ts'
import type { Database } from '../../../node/store/database.ts'
import type { JobStore } from '../../../node/store/index.ts'
import { openJobStore } from '../../../node/store/job-store.ts'
import { createSecretBox } from '../../../node/store/secret-box.ts'
import type { MemoryHub, MemoryPeer } from '../../support/memory-network.ts'
import { MARKET } from '../../support/test-requester.ts'
import { createLife, type Life } from './life.ts'
import type { MachineTime, ModelClock } from './model-clock.ts'
import { mortalNetwork, type Tap } from './network.ts'
import { memoryDisk, mortalDisk } from './provider.ts'
import { keyOf } from './reproducible.ts'

export interface RequesterProcess {
  readonly life: Life
  readonly peer: MemoryPeer
  /** Null until it has started. */
  market: RunningRequester | null
  store: JobStore | null
  stopping: boolean
}

export interface RequesterActor {
  readonly disk: Database
  readonly peerId: string
  readonly machine: MachineTime
  readonly process: RequesterProcess | null
  boot(): Promise<void>
  kill(): void
  /** Ends as it is asked to. */
  stop(): void
}

export interface RequesterActorComponents {
  hub: MemoryHub
  time: ModelClock
  logger: Logger
  tap: Tap
  onFault: (what: string, error: unknown) => void
}

/** Number of the requester's key; those of providers begin at 1. */
const KEY = 0

export async function createRequesterActor(components: RequesterActorComponents): Promise<RequesterActor> {
  const { hub, time, logger, tap, onFault } = components
  const privateKey = await keyOf(KEY)
  const disk = memoryDisk()
  const machine = { wallOffsetMs: 0, bootId: 'requester' }
  const secretBox = createSecretBox('model')
  let process: RequesterProcess | null = null
  let peerId = ''
  let stop = async (): Promise<void> => undefined

  async function start(own: RequesterProcess, clock: Clock): Promise<void> {
    const network = mortalNetwork(own.peer.network, own.life, tap)
    const store = await openJobStore({ database: mortalDisk(disk, own.life), secretBox, clock })
    const directory = createDirectory({ network, clock, logger }, { networkName: MARKET })
    const market = createRequester({ network, networkName: MARKET, privateKey, directory, store, clock, logger })
    await directory.start()
    await market.start()
    own.market = market
    own.store = store
    stop = async () => {
      await market.stop()
      await directory.stop()
      await store.close()
    }
  }

  return {
    disk,
    machine,
    get peerId() {
      return peerId
    },
    get process() {
      return process
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
      const own: RequesterProcess = { life, peer, market: null, store: null, stopping: false }
      process = own
      start(own, timers.clock).catch((error) => onFault('the requester did not start', error))
    },

    kill: () => process?.life.end(),

    stop() {
      const own = process
      if (own?.market == null) return
      own.market = null
      own.stopping = true
      stop().then(
        () => own.life.end(),
        (error) => onFault('the requester did not stop', error),
      )
    },
  }
}
