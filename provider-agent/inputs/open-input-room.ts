import { join } from 'node:path'
import type { Clock } from '../../node/clock.ts'
import { roomAt } from '../../node/disk.ts'
import type { Logger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import { createOutside, type Outside } from '../../node/network/outside.ts'
import { freeStorage } from '../capacity/machine.ts'
import type { ContainerEngine } from '../engine/index.ts'
import type { InputVolumes } from '../engine/input-volumes.ts'
import type { Lease } from '../lease/lease.ts'
import type { AgentOptions } from '../options.ts'
import type { Arrivals } from './arrivals.ts'
import { createInputRoom, type InputRoom, keptFor } from './input-room.ts'
import { createPartFiles } from './part-files.ts'
import { createShelf } from './shelf.ts'

/** What {@link openInputRoom} works with. */
export interface OpenInputRoomComponents {
  engine: ContainerEngine
  inputVolumes: InputVolumes
  network: PeerNetwork
  /** Told how fast things come. */
  arrivals: Arrivals
  clock: Clock
  logger: Logger
}

/** The way to what jobs name, in and out: what is inside the network is reached where its owner allows its host. */
export function outsideOf({ allowInputHosts }: Pick<AgentOptions, 'allowInputHosts'>): Outside {
  return createOutside({ isAllowed: ({ host }) => allowInputHosts.includes(host) })
}

/** The room of an agent, in its data folder. @param leases those that it holds */
export function openInputRoom(
  { engine, inputVolumes: volumes, network, arrivals, clock, ...components }: OpenInputRoomComponents,
  options: Pick<AgentOptions, 'dataFolder' | 'cacheRoomBytes' | 'inputStallMs' | 'allowInputHosts' | 'urlPatience'>,
  leases: () => readonly Lease[],
): InputRoom {
  const { dataFolder, cacheRoomBytes, inputStallMs, allowInputHosts, urlPatience } = options
  const logger = components.logger.child({ part: 'inputs' })
  const owner = network.peerId
  const folder = join(dataFolder, 'inputs')
  const files = createPartFiles(join(folder, 'parts'))
  const isUsed = (name: string): boolean =>
    leases().some(({ record, progress }) => progress.ended === null && keptFor(owner, record).includes(name))
  const shelf = createShelf(
    {
      ...{ engine: files.among(engine), clock, logger, isUsed },
      room: async () => await roomAt(dataFolder, cacheRoomBytes),
      freeBytes: async () => await freeStorage(dataFolder),
    },
    { folder: join(folder, 'kept'), owner },
  )
  const outside = outsideOf({ allowInputHosts })
  return createInputRoom(
    { network, volumes, shelf, files, outside, arrivals, clock, logger },
    { folder, owner, stallMs: inputStallMs, urlPatience },
  )
}
