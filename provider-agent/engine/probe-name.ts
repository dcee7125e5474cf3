import { randomBytes } from 'node:crypto'

/** How the names begin of what is made on an engine only to try it. */
export const PROBE_PREFIX = 'cortex-probe-'

/** A name for something that is made only to try the engine: no two are called the same. */
export function probeName(): string {
  return `${PROBE_PREFIX}${randomBytes(6).toString('hex')}`
}
