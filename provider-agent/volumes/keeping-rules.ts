/** Whether volumes can be had, or be kept: pure, so that a bid and an award ask the same question. */

import type { KeptRequirement } from '../../protocol/job-volumes.ts'
import { formatBytes } from '../../protocol/units.ts'
import type { DeclineCode, Refusal } from '../bidding/policy.ts'
import type { KeptRecord } from '../journal/records.ts'

/** Share of this provider's storage that kept volumes may take together: what is left is for jobs. */
const KEPT_SHARE = 0.5

/** Share of the volumes that one requester may have at most, whatever it may hold of the machine. */
const OWN_SHARE = 0.5

/** The volumes that are there, and who has them. */
export interface KeptSituation {
  records: ReadonlyMap<string, KeptRecord>
  /** By volume the leases that have it, and whether each shares it. */
  users: ReadonlyMap<string, ReadonlyMap<string, boolean>>
  /** Whether it is being removed. */
  isGoing: (key: string) => boolean
  /** All that this provider offers. */
  storageBytes: number
}

/** Tells the volumes of one requester from those of another, whatever ids they have. */
export function keptKey({ requester, id }: Pick<KeptRecord, 'requester' | 'id'>): string {
  return `${requester}!${id}`
}

/** Null where all can be had and kept. */
export function refusalOfKept(
  now: KeptSituation,
  limits: { maxKept: number; maxKeepSeconds: number; maxClientShare: number },
  requester: string,
  wanted: readonly KeptRequirement[],
): Refusal | null {
  for (const { id, shared } of wanted.filter((volume) => volume.id !== '')) {
    const key = keptKey({ requester, id })
    const record = now.records.get(key)
    if (record === undefined || record.deleting === true || now.isGoing(key)) {
      return no('VOLUME_UNKNOWN', `has no volume ${id}: it was deleted, or kept no longer`)
    }
    const holders = [...(now.users.get(key)?.values() ?? [])]
    if (holders.length > 0 && !(shared && holders.every((isShared) => isShared))) {
      return no('VOLUME_IN_USE', `has volume ${id} in use by another job: wait for its end, or say shared in both`)
    }
  }
  const added = wanted.filter((volume) => volume.id === '')
  return added.length === 0 ? null : tooMuch(now, limits, requester, added)
}

/**
 * Whoever has not signed for what it had kept here has nothing more kept until it does. Its volumes stay for as long as it was
 * promised, and may be used until then: who was away signs as soon as it is back.
 *
 * @param usedUp those that nobody uses before something is signed for them
 */
export function unpaidRefusal(
  requester: string,
  wanted: readonly KeptRequirement[],
  unpaid: readonly KeptRecord[],
  usedUp: readonly KeptRecord[],
): Refusal | null {
  const held = usedUp.find(({ id }) => wanted.some((volume) => volume.id === id))
  if (held !== undefined) {
    return no('VOLUME_UNPAID', `lets nobody use volume ${held.id} before ${requester} has signed what it owes for it`)
  }
  const [first] = unpaid
  if (first === undefined || wanted.every(({ id }) => id !== '')) return null
  const what = unpaid.length === 1 ? `volume ${first.id}` : `${unpaid.length} volumes`
  return no('VOLUME_UNPAID', `keeps no more volumes for ${requester} before it has signed what it owes for ${what}`)
}

function tooMuch(
  { records, storageBytes }: KeptSituation,
  { maxKept, maxKeepSeconds, maxClientShare }: { maxKept: number; maxKeepSeconds: number; maxClientShare: number },
  requester: string,
  added: readonly KeptRequirement[],
): Refusal | null {
  const longest = Math.max(...added.map(({ keepSeconds }) => keepSeconds))
  if (longest > maxKeepSeconds) {
    return no('KEEP_TOO_LONG', `keeps volumes up to ${maxKeepSeconds}s after their last use, ${longest}s asked`)
  }
  const all = [...records.values()]
  const own = all.filter((record) => record.requester === requester).length
  const ownMost = Math.max(1, Math.floor(maxKept * Math.min(OWN_SHARE, maxClientShare)))
  if (own + added.length > ownMost) {
    return no('KEEPS_TOO_MUCH', `keeps up to ${ownMost} volumes of one requester, and has ${own}`)
  }
  if (all.length + added.length > maxKept) {
    return no('KEEPS_TOO_MUCH', `keeps up to ${maxKept} volumes, and has ${all.length}`)
  }
  const bytes = [...all, ...added].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  const most = Math.floor(storageBytes * KEPT_SHARE)
  if (bytes <= most) return null
  return no('KEEPS_TOO_MUCH', `keeps up to ${formatBytes(most)} in volumes, ${formatBytes(bytes)} with this job`)
}

function no(code: DeclineCode, message: string): Refusal {
  return { code, message }
}
