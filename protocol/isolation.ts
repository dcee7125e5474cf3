/** Classes of isolation: how strong the walls are between a job and the machine that it runs on. */

/**
 * `container`: the machine's own kernel, in namespaces and control groups. `gvisor`: a kernel of the job's own, in a
 * program of the machine. `vm`: one of its own, in a virtual machine. The weakest first; no runtime gives less than the first.
 */
export const ISOLATIONS = ['container', 'gvisor', 'vm'] as const
/** One of {@link ISOLATIONS}. */
export type Isolation = (typeof ISOLATIONS)[number]

/** Of a price factor, in thousandths: what stands where nothing is said, and the most. */
export const NO_FACTOR_MILLIS = 1_000
/** The least that an owner can say: at 0 all under that class would be sold for nothing. */
export const MIN_FACTOR_MILLIS = 10
/** See {@link NO_FACTOR_MILLIS}. */
export const MAX_FACTOR_MILLIS = 100_000

/** One class that a provider offers. */
export interface IsolationOffer {
  /** One of {@link ISOLATIONS}, or one that only newer versions know. */
  isolation: string
  /** Thousandths of the posted prices, the minimum charge apart. 0..{@link MAX_FACTOR_MILLIS}. */
  factorMillis: number
}

/** Whether this is one of {@link ISOLATIONS}. */
export function isIsolation(text: string): text is Isolation {
  return (ISOLATIONS as readonly string[]).includes(text)
}

/**
 * As what a provider runs a job: the class that is asked for and no other, for programs tell them apart; where none is, the
 * provider's first, its default. Null where it does not offer it, and where it does not say what it offers.
 *
 * @param wanted empty is any
 */
export function isolationFor<T extends IsolationOffer>(offers: readonly T[], wanted: string): T | null {
  return (wanted === '' ? offers[0] : offers.find(({ isolation }) => isolation === wanted)) ?? null
}

/** `gvisor (1.2 times the price)`. */
export function describeIsolation({ isolation, priceFactor }: { isolation: string; priceFactor: number }): string {
  return priceFactor === 1 ? isolation : `${isolation} (${priceFactor} times the price)`
}
