import { isPeerId } from '../../protocol/ids.ts'
import { ANY_PROVIDER } from '../../protocol/job-defaults.ts'
import type { Directory } from './index.ts'

/** What a provider is told apart by. */
interface Named {
  /** Its peer id. */
  id: string
  /** As it calls itself: others may call themselves the same. */
  name: string
}

/** The fewest characters that count as the end of a peer id: fewer are met by chance. */
const MIN_END_LENGTH = 4

/**
 * Those of the providers that `wanted` may mean: the one with this peer id, or all of this name or end of a peer id. A
 * whole peer id means one, whatever others call themselves.
 */
export function matchProviders<T extends Named>(known: readonly T[], wanted: string): T[] {
  const exact = known.find(({ id }) => id === wanted)
  if (exact !== undefined) return [exact]
  if (isPeerId(wanted)) return []
  const isEnd = wanted.length >= MIN_END_LENGTH
  return known.filter(({ id, name }) => name === wanted || (isEnd && id.endsWith(wanted)))
}

/**
 * Whom a job asks for: `p2p`, or a peer id. A name or the end of an id is resolved where it is exactly one provider's; a
 * whole id needs no resolving, nor that anybody has heard of it.
 *
 * @throws {ProviderUnknownError} where it is nobody's, or several providers' of which not the first alone is there
 */
export function resolveProviderName(directory: Pick<Directory, 'list'>, wanted: string): string {
  if (wanted === ANY_PROVIDER || isPeerId(wanted)) return wanted
  const found = matchProviders(
    directory.list().map((view) => ({ ...view, id: view.provider })),
    wanted,
  )
  const [first, ...others] = found.toSorted((a, b) => a.firstSeenMs - b.firstSeenMs)
  // Who took the name after it and has gone stands in nobody's way; the name of one that is away is not another's.
  const isAlone = first?.status === 'online' && others.every(({ status }) => status !== 'online')
  const only = others.length === 0 || isAlone ? first : undefined
  if (only === undefined) {
    throw new ProviderUnknownError(
      wanted,
      found.map(({ id }) => id),
    )
  }
  return only.id
}

/** A job may ask for any provider or for one by its id: what is neither must not be taken for the former. */
export function isResolved(provider: string): boolean {
  return provider === ANY_PROVIDER || isPeerId(provider)
}

/** A provider that is asked for cannot be told: nobody is called so, or several are. */
export class ProviderUnknownError extends Error {
  override readonly name = 'ProviderUnknownError'
  readonly code = 'PROVIDER_UNKNOWN'
  /** Peer ids of those that it may mean. */
  readonly candidates: readonly string[]

  constructor(wanted: string, candidates: readonly string[] = []) {
    super(
      candidates.length === 0
        ? `There is no provider ${wanted}`
        : `${candidates.length} providers are called ${wanted}: give the whole peer id, one of ${candidates.slice(0, 5).join(', ')}`,
    )
    this.candidates = candidates
  }
}
