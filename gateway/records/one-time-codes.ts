import { randomBytes } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'

/** Codes that stand for something once and for a short while, in memory: they end with the process. */
export interface OneTimeCodes<T> {
  issue(value: T): { code: string; expiresAtMs: number }
  /** What it was issued for, once. */
  redeem(code: string): T | undefined
}

/** @param init.maxOpen codes open at a time; the oldest go first */
export function createOneTimeCodes<T>(
  components: { clock: Clock },
  init: { lifeMs: number; maxOpen: number },
): OneTimeCodes<T> {
  const open = new Map<string, { value: T; endsMs: number }>()
  return {
    issue(value) {
      const oldest = open.keys().next()
      if (open.size >= init.maxOpen && !oldest.done) open.delete(oldest.value)
      const code = randomBytes(24).toString('base64url')
      const expiresAtMs = components.clock.nowMs() + init.lifeMs
      open.set(code, { value, endsMs: components.clock.monotonicMs() + init.lifeMs })
      return { code, expiresAtMs }
    },
    redeem(code) {
      const entry = open.get(code)
      open.delete(code)
      return entry !== undefined && entry.endsMs > components.clock.monotonicMs() ? entry.value : undefined
    },
  }
}
