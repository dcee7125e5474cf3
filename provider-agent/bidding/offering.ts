/** What the owner's options and the engine's abilities make of an offering. */

import type { Logger } from '../../node/logger.ts'
import {
  CONTAINER_OPTIONS,
  GPU_REQUIREMENTS,
  ISOLATION,
  KEPT_VOLUMES,
  MEASURED,
  NETWORK_LIMIT,
  PLATFORMS,
  PROCESS_OPTIONS,
  STDIN,
  TERMINAL,
} from '../../protocol/capabilities.ts'
import { nativePlatforms, plainPlatform } from '../../protocol/platforms.ts'
import type { ContainerEngine, EngineFeatures, EngineInfo } from '../engine/index.ts'
import type { Proofs } from '../isolation/proofs.ts'
import type { AgentOptions } from '../options.ts'
import type { Offering } from './policy.ts'

/** What jobs can ask for, as they ask for it. */
function capabilitiesOf({
  storageQuota,
  volumes,
  volumeQuota,
  networkProblem,
  runtime,
  privileges,
  countsTraffic,
  terminals,
  standardInput,
}: EngineFeatures): string[] {
  return [
    CONTAINER_OPTIONS,
    PROCESS_OPTIONS,
    GPU_REQUIREMENTS,
    PLATFORMS,
    ISOLATION,
    ...(privileges === 'ordinary' ? ['ordinary-privileges'] : []),
    ...(volumes ? ['volumes'] : []),
    ...(storageQuota === 'hard' ? ['storage-quota'] : []),
    ...(volumes && volumeQuota === 'hard' ? ['volume-quota'] : []),
    ...(networkProblem === null ? ['network-isolation'] : []),
    ...(countsTraffic ? [NETWORK_LIMIT] : []),
    ...(terminals ? [TERMINAL] : []),
    ...(standardInput ? [STDIN] : []),
    ...(runtime === null ? [] : [`runtime-${runtime}`]),
  ]
}

/**
 * What is offered before the engine was tried; {@link createAbilities} adds what that can.
 * @param abilities capabilities that the agent has by itself, such as `exec`
 */
export function offeringOf(options: AgentOptions, abilities: string[]): Offering {
  const { region, labels, maxDurationSeconds, maxClientShare, maxOpenBidsPerRequester } = options
  const { allowImages, denyImages, allowClients, denyClients } = options
  const extend = options.allowExtension ? ['extend'] : []
  const capabilities = [...new Set([...options.capabilities, ...extend, ...abilities])]
  return {
    ...{ region, labels, capabilities, maxDurationSeconds, allowImages, denyImages, allowClients, denyClients },
    ...{ maxClientShare, maxOpenBidsPerRequester },
    platforms: options.platforms.map(plainPlatform),
    emulatedPlatforms: options.emulate.map(plainPlatform),
    isolations: [],
  }
}

/** What the engine can, as far as it was found out by now, beside what is offered whatever it can. */
export interface Abilities {
  /** Tries the engine, and changes the offering where that finds other abilities than it has. */
  learn(info: Pick<EngineInfo, 'architecture'>, signal: AbortSignal): Promise<void>
  /** Changes the offering where something else is known by now than at the last look at the engine. */
  refresh(): void
}

/** What {@link createAbilities} works with. */
export interface AbilitiesComponents {
  engine: Pick<ContainerEngine, 'features'>
  /** Of the classes that are sold. */
  proofs: Pick<Proofs, 'renew' | 'sold'>
  logger: Logger
  offering: Offering
}

/**
 * @param canReach whether requesters are let into their containers
 * @param isMeasured whether it is known what the machine does in a second
 * @param keeps whether volumes are kept after their jobs. @default false
 */
export function createAbilities(
  { engine, proofs, logger, offering }: AbilitiesComponents,
  { canReach, isMeasured, keeps = false }: { canReach: boolean; isMeasured: () => boolean; keeps?: boolean },
): Abilities {
  const own = offering.capabilities
  const isTold = offering.platforms.length > 0
  const { emulatedPlatforms } = offering
  /** As the engine's were found last. */
  let found: string[] = []

  function refresh(): void {
    offering.isolations = proofs.sold()
    offering.capabilities = [...new Set([...own, ...(isMeasured() ? [MEASURED] : []), ...found])]
  }

  return {
    refresh,
    async learn({ architecture }, signal) {
      if (!isTold) offering.platforms = nativePlatforms(`linux/${architecture}`)
      const { platforms } = offering
      offering.emulatedPlatforms = emulatedPlatforms.filter((name) => !platforms.includes(name))
      const byItself = emulatedPlatforms.filter((name) => platforms.includes(name))
      if (byItself.length > 0) logger.warn({ platforms: byItself }, 'are not emulated: the engine runs them by itself')
      const features = await engine.features({ signal })
      const ports = canReach && features.portsProblem === null ? ['ports'] : []
      const kept = keeps && features.volumes ? [KEPT_VOLUMES] : []
      found = [...ports, ...kept, ...capabilitiesOf(features)]
      await proofs.renew()
      refresh()
      if (features.networkProblem !== null) {
        logger.warn({ problem: features.networkProblem }, 'jobs can reach the network around this machine')
      }
      if (canReach && features.portsProblem !== null) {
        logger.warn({ problem: features.portsProblem }, 'jobs that expose ports are not taken')
      }
    },
  }
}
