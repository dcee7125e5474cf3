/**
 * Who holds how much of the machine: reservations made by bids, and leases. The one place that decides whether something
 * still fits, in one synchronous step, so that nothing is ever promised twice.
 *
 * What is bid to a stranger, who has awarded nothing here yet, is no promise to keep room from those who have: their bids
 * may take the same room, and then the stranger's award finds none. See docs/decisions/0035-fair-under-attack.md.
 */

import type { Clock } from '../../node/clock.ts'
import {
  addResources,
  fits,
  NO_RESOURCES,
  RESOURCE_KINDS,
  type Resources,
  subtractResources,
} from '../../protocol/units.ts'
import type { RequesterCredit } from '../bidding/requester-credit.ts'

/** What one provider offers, and all that is held of it. */
export interface Book {
  /** All that is offered. */
  readonly total: Resources
  /** What nobody holds; never below nothing. */
  free(): Resources
  /** What may be bid to this requester; null: to one that has awarded here, and has no bids open. Never below nothing. */
  freeFor(requester: string | null): Resources
  /** As {@link Book.freeFor}, of each kind of GPU; see `kinds.ts`. */
  gpusFreeFor(requester: string | null): ReadonlyMap<string, number>
  /** Changes what is offered; holdings stay, even where they are more. @param gpus how many of each kind */
  resize(total: Resources, gpus?: ReadonlyMap<string, number>): void
  /** Sets capacity aside for `ttlMs`, counted on the monotonic clock. False where it does not fit; nothing is held then. */
  reserve(id: string, holding: Holding, ttlMs: number): boolean
  /** Turns a reservation that is still held into a lease's holding, without a moment between. */
  commit(id: string, leaseId: string): Committed
  /** Holds capacity for a lease from before a restart, whether or not it fits: its container is there already. */
  adopt(leaseId: string, holding: Holding): void
  /** Frees what this reservation or lease holds. Repeating it is no error. */
  release(id: string): void
  /** What one requester holds. */
  heldBy(requester: string): { bids: number; bidResources: Resources; resources: Resources }
  /** Calls back after free capacity changed. */
  onChange(callback: () => void): void
  /** Forgets every reservation and stops their timers. */
  stop(): void
}

/** What one reservation or lease holds, and for whom. */
export interface Holding {
  /** Peer id. */
  requester: string
  resources: Resources
  /** Of which kind its GPUs are. @default not known: it may be any */
  gpuKind?: string
}

/** `lapsed`: no such reservation is held. `taken`: a stranger's, whose room others have taken since; it is over, too. */
export type Committed = 'committed' | 'lapsed' | 'taken'

interface Entry extends Holding {
  /** A reservation's end; null for a lease. */
  expiry: { atMs: number; timer: AbortController } | null
  /** For a stranger's reservation, what was offered when it was made; null where its room is kept from everybody. */
  loose: Offered | null
}

/** What there is in all. */
interface Offered {
  total: Resources
  gpus: ReadonlyMap<string, number>
}

/** What a book begins with; no kind of GPU is known before {@link Book.resize}. */
export interface BookInit {
  total: Resources
  /** Called when a reservation ended because nobody awarded or released it. */
  onExpired?: (id: string, holding: Holding) => void
}

/** What {@link createBook} works with. */
export interface BookComponents {
  clock: Clock
  /** Who is no stranger. */
  credit: Pick<RequesterCredit, 'hasAwarded'>
}

/** Nothing is held at first. Reservations end by themselves, on the monotonic clock. */
export function createBook({ clock, credit }: BookComponents, init: BookInit): Book {
  let offered: Offered = { total: init.total, gpus: new Map() }
  const entries = new Map<string, Entry>()
  const callbacks = new Set<() => void>()

  /** What counts against a bid to this requester: everything for a stranger, for others not the loose bids of others. */
  function heldAgainst(requester: string | null): Entry[] {
    const isStranger = requester !== null && !credit.hasAwarded(requester)
    const all = [...entries.values()]
    return isStranger ? all : all.filter((entry) => entry.loose === null || entry.requester === requester)
  }

  /** Whether a stranger's bid still has its room, of what is offered now or was when it was made. */
  function hasRoom(entry: Entry): boolean {
    const { loose } = entry
    return loose === null || [offered, loose].some((all) => hasFree(all, entry, heldAgainst(null)))
  }

  function changed(): void {
    for (const callback of callbacks) callback()
  }

  /** A timer may be late; whoever asks looks first. */
  function sweep(): void {
    const nowMs = clock.monotonicMs()
    for (const [id, entry] of entries) {
      if (entry.expiry !== null && entry.expiry.atMs <= nowMs) {
        entry.expiry.timer.abort()
        entries.delete(id)
        init.onExpired?.(id, entry)
        changed()
      }
    }
  }

  return {
    get total() {
      return offered.total
    },
    free() {
      sweep()
      return atLeastNothing(subtractResources(offered.total, sum(entries.values())))
    },
    freeFor(requester) {
      sweep()
      return atLeastNothing(subtractResources(offered.total, sum(heldAgainst(requester))))
    },
    gpusFreeFor(requester) {
      sweep()
      const held = heldAgainst(requester)
      return new Map([...offered.gpus].map(([kind, count]) => [kind, Math.max(0, count - gpusHeld(held, kind))]))
    },
    resize(total, gpus = new Map()) {
      offered = { total, gpus }
      changed()
    },
    reserve(id, holding, ttlMs) {
      sweep()
      const { requester } = holding
      if (entries.has(id) || !hasFree(offered, holding, heldAgainst(requester))) return false
      const timer = new AbortController()
      const loose = credit.hasAwarded(requester) ? null : offered
      entries.set(id, { ...holding, expiry: { atMs: clock.monotonicMs() + ttlMs, timer }, loose })
      // Aborted when it is released or committed: then there is nothing left to sweep.
      clock.sleep(ttlMs, timer.signal).then(sweep, () => undefined)
      changed()
      return true
    },
    commit(id, leaseId) {
      sweep()
      const entry = entries.get(id)
      if (entry?.expiry == null || entries.has(leaseId)) return 'lapsed'
      entry.expiry.timer.abort()
      entries.delete(id)
      const isFree = hasRoom(entry)
      if (isFree) entries.set(leaseId, { ...entry, expiry: null, loose: null })
      if (entry.loose !== null) changed()
      return isFree ? 'committed' : 'taken'
    },
    adopt(leaseId, holding) {
      entries.set(leaseId, { ...holding, expiry: null, loose: null })
      changed()
    },
    release(id) {
      const entry = entries.get(id)
      if (entry === undefined) return
      entry.expiry?.timer.abort()
      entries.delete(id)
      changed()
    },
    heldBy(requester) {
      sweep()
      const own = [...entries.values()].filter((entry) => entry.requester === requester)
      const bids = own.filter((entry) => entry.expiry !== null)
      return { bids: bids.length, bidResources: sum(bids), resources: sum(own) }
    },
    onChange: (callback) => void callbacks.add(callback),
    stop() {
      for (const [id, entry] of entries) {
        entry.expiry?.timer.abort()
        if (entry.expiry !== null) entries.delete(id)
      }
    },
  }
}

/** Whether this fits beside what is held: all of it, and GPUs of its kind. */
function hasFree({ total, gpus }: Offered, { resources, gpuKind }: Holding, held: readonly Holding[]): boolean {
  if (!fits(resources, subtractResources(total, sum(held)))) return false
  return gpuKind === undefined || resources.gpu <= (gpus.get(gpuKind) ?? 0) - gpusHeld(held, gpuKind)
}

/** At most so many of a kind: who may have any may have these. */
function gpusHeld(held: readonly Holding[], kind: string): number {
  const those = held.filter(({ gpuKind = kind }) => gpuKind === kind)
  return those.reduce((all, { resources }) => all + resources.gpu, 0)
}

function sum(entries: Iterable<Holding>): Resources {
  let all: Resources = NO_RESOURCES
  for (const { resources } of entries) all = addResources(all, resources)
  return all
}

function atLeastNothing(resources: Resources): Resources {
  const amounts = RESOURCE_KINDS.map((kind) => [kind, Math.max(0, resources[kind])] as const)
  return { ...NO_RESOURCES, ...Object.fromEntries(amounts) }
}
