import { createHash, timingSafeEqual } from 'node:crypto'
import type { Clock } from '../../node/clock.ts'
import { GatewayError } from '../http/errors.ts'
import { siteOf } from '../http/site.ts'
import { ADMIN_KEY_ID, type KeyRecord, type KeyRing } from './key-ring.ts'

/** Wrong keys that one address may send within {@link WINDOW_MS} before it is slowed down. */
const MAX_WRONG = 20
const WINDOW_MS = 60_000

/** How long each further one takes, in ms: one after the other. */
const TURN_MS = 1_000
/** How many may wait for their turn at one address; more are refused unread. */
const MAX_WAITING = 5

/** Addresses, and keys that were right at one, that are remembered. */
const MAX_REMEMBERED = 10_000

/**
 * Slows down whoever guesses keys, and nobody else: see docs/decisions/0040-guessed-keys.md. A key that a gateway made has
 * 192 random bits and is found at once, from anywhere; one that a person chose waits its turn where many wrong ones come
 * from, unless it was right there before.
 */
export interface KeyGuard {
  /**
   * The key of this text; null where it is one of the others that are right.
   * @param address of the TCP peer
   * @throws {GatewayError} UNAUTHORIZED; RATE_LIMIT_EXCEEDED where it was not even read
   */
  check(address: string, text: string): Promise<KeyRecord | null>
  /** The same, of keys that a gateway made only, and without consequences. */
  made(text: string): KeyRecord | undefined
  /**
   * Before somebody is told that something else was wrong, such as an SSH key: where many wrong ones come from, it takes
   * its turn. @throws {GatewayError} RATE_LIMIT_EXCEEDED where too many wait there already
   */
  slowDown(address: string): Promise<void>
  /** Counts it. */
  noteWrong(address: string): void
}

/** @param init.other what else passes as a key's text, such as the token of a scraper */
export function createKeyGuard(
  components: { keys: Pick<KeyRing, 'authenticate'>; clock: Clock },
  init: { other?: string | undefined } = {},
): KeyGuard {
  const { keys, clock } = components
  const wrong = createMemory<{ count: number; endMs: number }>()
  const right = createMemory<true>()
  const lanes = new Map<string, { waiting: number; last: Promise<void> }>()

  function made(text: string): KeyRecord | undefined {
    const key = keys.authenticate(text)
    return key?.id === ADMIN_KEY_ID ? undefined : key
  }

  function chosen(text: string): KeyRecord | null | undefined {
    if (init.other !== undefined && sameText(text, init.other)) return null
    return keys.authenticate(text)
  }

  function countOf(site: string): { count: number; endMs: number } {
    const known = wrong.get(site)
    if (known !== undefined && known.endMs > clock.monotonicMs()) return known
    return { count: 0, endMs: clock.monotonicMs() + WINDOW_MS }
  }

  async function turn(site: string): Promise<void> {
    const lane = lanes.get(site) ?? { waiting: 0, last: Promise.resolve() }
    if (lane.waiting >= MAX_WAITING) throw tooMany(countOf(site).endMs - clock.monotonicMs())
    lane.waiting += 1
    lane.last = lane.last.then(async () => await clock.sleep(TURN_MS))
    lanes.set(site, lane)
    await lane.last
    lane.waiting -= 1
    if (lane.waiting === 0) lanes.delete(site)
  }

  const siteAt = (address: string): string => siteOf(address) || 'unknown'

  function noteWrong(site: string): { count: number; endMs: number } {
    const before = countOf(site)
    wrong.set(site, { ...before, count: before.count + 1 })
    return before
  }

  return {
    made,
    async slowDown(address) {
      const site = siteAt(address)
      if (countOf(site).count >= MAX_WRONG) await turn(site)
    },
    noteWrong: (address) => void noteWrong(siteAt(address)),
    async check(address, text) {
      const site = siteAt(address)
      const key = made(text)
      if (key !== undefined) return key
      const isSlow = countOf(site).count >= MAX_WRONG
      if (isSlow && right.get(`${site} ${digestOf(text)}`) === undefined) await turn(site)
      const other = chosen(text)
      if (other !== undefined) {
        right.set(`${site} ${digestOf(text)}`, true)
        return other
      }
      const { count, endMs } = noteWrong(site)
      if (count >= MAX_WRONG) throw tooMany(endMs - clock.monotonicMs())
      throw new GatewayError('UNAUTHORIZED', 'This key is wrong, revoked or expired: check it, or make a new one')
    },
  }
}

function tooMany(waitMs: number): GatewayError {
  const waitSeconds = Math.max(1, Math.ceil(waitMs / 1000))
  return new GatewayError('RATE_LIMIT_EXCEEDED', `Too many wrong keys from this address: wait ${waitSeconds} s`, {
    headers: { 'Retry-After': String(waitSeconds) },
  })
}

/** Forgets what was set longest ago. */
function createMemory<T>() {
  const entries = new Map<string, T>()
  return {
    get: (name: string) => entries.get(name),
    set(name: string, value: T): void {
      entries.delete(name)
      entries.set(name, value)
      const oldest = entries.keys().next()
      if (entries.size > MAX_REMEMBERED && oldest.done !== true) entries.delete(oldest.value)
    },
  }
}

function sameText(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
