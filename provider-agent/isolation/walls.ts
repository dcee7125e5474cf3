/** The classes of isolation that an agent sells, and what each is on its engine. */

import {
  type Isolation,
  type IsolationOffer,
  isIsolation,
  MAX_FACTOR_MILLIS,
  MIN_FACTOR_MILLIS,
  NO_FACTOR_MILLIS,
} from '../../protocol/isolation.ts'

/** One class, and the engine's runtime behind it. */
export interface Wall extends IsolationOffer {
  isolation: Isolation
  /** As the engine calls it, e.g. `runsc`; null is its default. */
  runtime: string | null
}

/** What an agent sells that says nothing of it. */
export const PLAIN_WALL: Readonly<Wall> = { isolation: 'container', runtime: null, factorMillis: NO_FACTOR_MILLIS }

/** Runtimes whose containers have the machine's own kernel, by the names that engines give them. */
export const PLAIN_RUNTIMES: ReadonlySet<string> = new Set(['runc', 'crun', 'youki', 'io.containerd.runc.v2'])

/** Whether jobs under this class are promised a kernel that is not the machine's. */
export function hasOwnKernel(isolation: string): boolean {
  return isolation !== 'container'
}

/** Whether such jobs can be given GPUs: what a kernel of their own makes of a card was never tried. See decision 0075. */
export function givesGpus(isolation: string): boolean {
  return isolation === 'container'
}

const WALL = /^([a-z]+)=([a-zA-Z0-9][\w.-]{0,127})(?:@(\d{1,3})(?:\.(\d{1,3}))?)?$/

/** `gvisor=runsc`, or with the factor on the prices of jobs under it, 0.01 to 100: `gvisor=runsc@1.2`. Null where the text is no such. */
export function parseWall(text: string): Wall | null {
  const [, isolation = '', runtime = '', whole, fraction = ''] = WALL.exec(text) ?? []
  if (!isIsolation(isolation)) return null
  const factorMillis = whole === undefined ? NO_FACTOR_MILLIS : Number(whole) * 1_000 + Number(fraction.padEnd(3, '0'))
  return factorMillis >= MIN_FACTOR_MILLIS && factorMillis <= MAX_FACTOR_MILLIS
    ? { isolation, runtime, factorMillis }
    : null
}

/** What a runtime's name says of the walls that it makes, where its owner does not. */
function isolationOf(runtime: string): Isolation {
  if (/runsc/.test(runtime)) return 'gvisor'
  return /kata/.test(runtime) ? 'vm' : 'container'
}

/**
 * All that is sold, the default first, which a job has that names none: that of `runtime`, else `container`.
 *
 * @param runtime of jobs that name no class; undefined is the engine's default
 * @param walls that the owner named, each class once
 * @throws where two runtimes stand for one class
 */
export function wallsOf(runtime: string | undefined, walls: readonly Wall[]): [Wall, ...Wall[]] {
  const named = walls.find((wall) => wall.runtime === runtime)
  const isolation = named?.isolation ?? (runtime === undefined ? PLAIN_WALL.isolation : isolationOf(runtime))
  const first = walls.find((wall) => wall.isolation === isolation)
  if (first !== undefined && runtime !== undefined && first.runtime !== runtime) {
    throw new Error(
      `Jobs under ${isolation} would run under ${runtime} or ${first.runtime}: name one of them, or the class of each`,
    )
  }
  const others = walls.filter((wall) => wall.isolation !== isolation)
  return [first ?? { ...PLAIN_WALL, isolation, runtime: runtime ?? null }, ...others]
}

/** What gVisor's kernel takes at its start, of the memory that a job has, in bytes, and a little for the job. */
const GVISOR_MEMORY_BYTES = 24 * 2 ** 20
/** Threads of that kernel, and of the machine's for each of the job's: most of them those that run its programs for it. */
const GVISOR_PIDS = { own: 64, each: 8 }

/** The least memory with which a job starts, in bytes; 0 where there is no such bound. */
export function leastMemoryBytes(isolation: string): number {
  return isolation === 'gvisor' ? GVISOR_MEMORY_BYTES : 0
}

/** How many of the machine's processes and threads so many of a job's take, at most. */
export function machinePids(isolation: string, pids: number): number {
  return isolation === 'gvisor' ? GVISOR_PIDS.own + GVISOR_PIDS.each * pids : pids
}

/** Whether jobs with the weakest of these walls have the machine's own kernel. */
export function shareKernel(walls: readonly Wall[]): boolean {
  return walls.some(({ isolation }) => isolation === 'container')
}
