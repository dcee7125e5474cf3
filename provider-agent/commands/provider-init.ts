/** What the flags of a seller mean to the program. */

import { type BackupOptions, backupPlanOf } from '../../node/commands/backup-flags.ts'
import { type PeerOptions, partFolder, peerInit } from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import type { Prices } from '../../protocol/money.ts'
import { plainPlatform } from '../../protocol/platforms.ts'
import type { Resources } from '../../protocol/units.ts'
import { DEFAULT_PRICES } from '../prices/default-prices.ts'
import { parsePriceRule } from '../prices/price-rules.ts'
import type { ProviderInit } from '../start-provider.ts'
import type { SellerOptions } from './seller-flags.ts'

/**
 * What the flags mean to `startProvider`. What was not given is left out, so that the agent's default holds, but for
 * prices.
 */
export function providerInit(options: PeerOptions & SellerOptions & BackupOptions): ProviderInit {
  assertEmulated(options)
  const caps: Partial<Resources> = {
    ...given('cpuMillis', options.cpu),
    ...given('memoryBytes', options.memory),
    ...given('storageBytes', options.storage),
    ...given('gpu', options.gpus),
  }
  const prices: Prices = {
    cpuPerCoreHour: options.priceCpu ?? DEFAULT_PRICES.cpuPerCoreHour,
    memoryPerGbHour: options.priceMemory ?? DEFAULT_PRICES.memoryPerGbHour,
    storagePerGbHour: options.priceStorage ?? DEFAULT_PRICES.storagePerGbHour,
    gpuPerHour: options.priceGpu?.any ?? DEFAULT_PRICES.gpuPerHour,
    networkPerGb: options.priceNetwork ?? DEFAULT_PRICES.networkPerGb,
    volumePerGbHour: options.priceVolume ?? DEFAULT_PRICES.volumePerGbHour,
    minimumPerJob: options.priceMinimum ?? DEFAULT_PRICES.minimumPerJob,
  }
  return {
    ...peerInit(options),
    dataFolder: partFolder(options, 'agent'),
    ...given('dockerHost', options.dockerHost),
    ...given('swarm', options.swarm),
    ...given('mirrors', options.registryMirror),
    ...given('allowRegistries', options.allowRegistry),
    ...given('maxImageBytes', options.maxImage),
    ...given('runtime', options.runtime),
    ...given('walls', options.isolation),
    ...given('privileges', options.privileges),
    ...given('nameServers', options.dns),
    ...given('sandboxes', options.sandboxes),
    ...given('jobWeight', options.jobWeight),
    ...given('maxBandwidth', options.maxBandwidth),
    ...given('publicAddress', options.publicAddress),
    ...given('backups', backupPlanOf(options)),
    requireNetworkIsolation: options.requireNetworkIsolation === true,
    agent: {
      prices,
      caps,
      allowExtension: options.extension,
      benchmark: options.benchmark,
      ...given('name', options.name),
      gpuPrices: options.priceGpu?.models ?? [],
      priceRules: (options.priceRule ?? []).map(parsePriceRule).filter((rule) => rule !== null),
      ...given('hours', options.hours),
      ...given('timeZone', options.timeZone),
      ...given('region', options.region),
      ...given('platforms', options.platform),
      ...given('emulate', options.emulate),
      ...given('labels', options.label),
      ...given('allowImages', options.allowImage),
      ...given('denyImages', options.denyImage),
      ...given('allowLocalImages', options.allowLocalImage),
      ...given('allowClients', options.allowClient),
      ...given('denyClients', options.denyClient),
      ...given('ownerShare', share(options.ownerShare)),
      ...given('maxClientShare', share(options.maxClientShare)),
      ...given('maxKept', options.maxKept),
      ...given('maxKeepSeconds', options.maxKeep),
      ...given('stampBits', options.stampBits),
      ...given('maxDurationSeconds', options.maxDuration),
      ...given('imageRoomBytes', options.imageRoom),
      ...given('cacheRoomBytes', options.cacheRoom),
      ...given('outputRoomBytes', options.outputRoom),
      ...given('allowInputHosts', options.allowInputHost),
      ...given('heartbeatMs', options.heartbeatMs),
      ...given('volumeRetentionMs', options.volumeRetentionMs),
      ...given('silenceMs', options.lostAfterMs),
    },
  }
}

/** With the engine of this machine, where none is named. */
export async function withEngine(init: ProviderInit): Promise<ProviderInit> {
  const { findEngine, mayUse } = await import('../engine/find-engine.ts')
  const named = init.dockerHost === '' ? undefined : init.dockerHost
  const dockerHost = named ?? (await findEngine({ env: process.env }))
  // One that was found may be a socket on which nobody answers yet.
  const problem = await mayUse(dockerHost)
  if (problem !== null) say(`cortex: ${problem}`)
  else if (named === undefined) say(`using the container engine on ${dockerHost}`)
  return { ...init, dockerHost }
}

/** @throws where something would be emulated that the engine runs by itself */
function assertEmulated({ platform = [], emulate = [] }: SellerOptions): void {
  const own = platform.map(plainPlatform)
  const both = emulate.find((name) => own.includes(plainPlatform(name)))
  if (both === undefined) return
  throw new Error(
    `${both} is given by --platform and by --emulate: leave it out of --emulate where the engine runs it by itself, else out of --platform.`,
  )
}

/** Nothing where it was not given, so that the default holds. */
function given<K extends string, V>(name: K, value: V | undefined): { [name in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [name in K]: V })
}

function share(percent: number | undefined): number | undefined {
  return percent === undefined ? undefined : percent / 100
}
