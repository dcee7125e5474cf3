import type { ClientNode } from '../../node/index.ts'
import { type SshDoor, SshRefusedError } from '../../node/ssh/index.ts'
import { reachTarget } from '../../node/ssh/reach-target.ts'
import { isJobId, jobIdOf, jobIdRange } from '../../protocol/ids.ts'
import type { KeyGuard, Revocation } from '../auth/index.ts'
import { isAdmin, ownerFilter, type Principal, sees } from '../http/principal.ts'
import type { Shares } from '../http/shares.ts'
import { type SharedTarget, sharedTarget } from './shared-target.ts'
import type { SshKeys } from './ssh-keys.ts'

/** What {@link createDoor} works with. */
export interface DoorComponents {
  node: Pick<ClientNode, 'store' | 'reach'>
  sshKeys: Pick<SshKeys, 'find' | 'watch'>
  keyGuard: Pick<KeyGuard, 'slowDown' | 'noteWrong'>
  revocation: Pick<Revocation, 'watch'>
  /** Of what is open at a time. */
  shares: Pick<Shares, 'takeFrom'>
}

/** Lets in whoever has a key that is kept here, to the job that the name before the `@` says. */
export function createDoor({ node, sshKeys, keyGuard, revocation, shares }: DoorComponents): SshDoor<SharedTarget> {
  return {
    async admit({ blob }, user, address) {
      const found = sshKeys.find(blob)
      // A key that is public may be added by others, whose jobs may be called as one likes: then it has to be the whole id.
      const isShared = new Set(found.map(({ principal }) => principal.owner)).size > 1
      const job = isShared ? await node.store.get(wholeId(user) ?? '') : undefined
      const chosen =
        found.find(({ principal }) => (isShared ? principal.owner === job?.owner : isAdmin(principal))) ??
        found.find(({ principal }) => job === undefined || sees(principal, job.owner)) ??
        found[0]
      if (chosen === undefined) return null
      const { record, principal } = chosen
      const idNow = async (): Promise<string> => await idOf(node, { principal, user, isShared })
      return {
        name: principal.owner,
        target: sharedTarget(reachTarget(node.reach, idNow), principal.owner, () =>
          shares.takeFrom(address, principal),
        ),
        watch(end) {
          const both = [revocation.watch(principal, end), sshKeys.watch(record, end)]
          return () => {
            for (const release of both) release()
          }
        },
      }
    },
    refused: keyGuard.slowDown,
    failed: keyGuard.noteWrong,
  }
}

/** Null of what is no whole id. */
function wholeId(user: string): string | null {
  const id = jobIdOf(user)
  return isJobId(id) ? id : null
}

/**
 * The job whose id this is, that runs and is called so, or whose id begins so.
 * @param of.isShared whether the key is more than one owner's
 * @throws {SshRefusedError}
 */
async function idOf(
  { store }: DoorComponents['node'],
  { principal, user, isShared }: { principal: Principal; user: string; isShared: boolean },
): Promise<string> {
  const text = user.trim()
  const id = wholeId(user)
  const job = id === null ? undefined : await store.get(id)
  if (id !== null && job !== undefined && sees(principal, job.owner)) return id
  if (isShared) {
    throw new SshRefusedError(
      'more than one owner has added this key, and this is no whole id of a job that one of them has: give that',
    )
  }
  const owner = ownerFilter(principal)
  const query = { limit: 2, lookAt: MAX_LOOKED_AT, ...(owner === undefined ? {} : { owner }) }
  const pages = [await store.listIds({ ...query, statuses: ['running'], where: ({ spec }) => spec.name === text })]
  const part = jobIdOf(user)
  const range = jobIdRange(part)
  if (range !== null) pages.push(await store.listIds({ ...query, ...range, where: (one) => one.id.startsWith(part) }))
  const [first, second] = new Set(pages.flatMap(({ ids }) => ids))
  if (second !== undefined) {
    throw new SshRefusedError(`more than one job is called ${text}, or has an id that begins so: give an id`)
  }
  if (pages.some(({ searched }) => searched !== null)) {
    throw new SshRefusedError(
      'there are more jobs here than are looked through for a name: give the whole id of the job',
    )
  }
  if (first === undefined) throw noJob(text)
  return first
}

/** Jobs that are looked at for a name, or the beginning of an id: the newest. */
const MAX_LOOKED_AT = 1_000

function noJob(user: string): SshRefusedError {
  return new SshRefusedError(`there is no job ${user} that this key may reach: 'cortex job list' shows them`)
}
