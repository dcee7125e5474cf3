/** What the owner's options and the engine's abilities make of an offering. */

import type { EngineFeatures } from './engine/index.ts'
import type { AgentOptions } from './options.ts'
import type { Offering } from './policy.ts'

/** What jobs can ask for, as they ask for it. */
export function capabilitiesOf({
  storageQuota,
  volumes,
  volumeQuota,
  networkProblem,
  runtime,
}: EngineFeatures): string[] {
  return [
    ...(volumes ? ['volumes'] : []),
    ...(storageQuota === 'hard' ? ['storage-quota'] : []),
    ...(volumes && volumeQuota === 'hard' ? ['volume-quota'] : []),
    ...(networkProblem === null ? ['network-isolation'] : []),
    ...(runtime === null ? [] : [`runtime-${runtime}`]),
  ]
}

export function offeringOf(options: AgentOptions, abilities: string[]): Offering {
  const { region, labels, maxDurationSeconds, maxClientShare, maxOpenBidsPerRequester } = options
  const { allowImages, denyImages, allowClients, denyClients } = options
  const extend = options.allowExtension ? ['extend'] : []
  const capabilities = [...new Set([...options.capabilities, ...extend, ...abilities])]
  return {
    ...{ region, labels, capabilities, maxDurationSeconds, allowImages, denyImages, allowClients, denyClients },
    ...{ maxClientShare, maxOpenBidsPerRequester },
  }
}
