import type { ClientNode } from '../../node/index.ts'
import { type SshDoor, SshRefusedError } from '../../node/ssh/index.ts'
import { type JobTarget, reachTarget } from '../../node/ssh/reach-target.ts'
import { isJobId, jobIdRange } from '../../protocol/ids.ts'
import type { KeyGuard, Revocation } from '../auth/index.ts'
import { ownerFilter, type Principal, sees } from '../http/principal.ts'
import type { SshKeys } from './ssh-keys.ts'

/** What {@link createDoor} works with. */
export interface DoorComponents {
  node: Pick<ClientNode, 'store' | 'reach'>
  sshKeys: Pick<SshKeys, 'find' | 'watch'>
  keyGuard: Pick<KeyGuard, 'slowDown' | 'noteWrong'>
  revocation: Pick<Revocation, 'watch'>
}

/** Lets in whoever has a key that is kept here, to the job that the name before the `@` says. */
export function createDoor({ node, sshKeys, keyGuard, revocation }: DoorComponents): SshDoor<JobTarget> {
  return {
    async admit({ blob }, user) {
      const found = sshKeys.find(blob)
      // One key may be several owners': then it is whose job it is.
      let chosen = found[0]
      if (found.length > 1) {
        for (const one of found) {
          const id = await idOf(node, one.principal, user).catch(() => null)
          if (id !== null) chosen = one
        }
      }
      if (chosen === undefined) return null
      const { record, principal } = chosen
      return {
        name: principal.owner,
        target: reachTarget(node.reach, async () => await idOf(node, principal, user)),
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

/** The job whose id this is, that runs and is called so, or whose id begins so. @throws {SshRefusedError} */
async function idOf({ store }: DoorComponents['node'], principal: Principal, user: string): Promise<string> {
  const text = user.trim()
  const id = `job_${text.toLowerCase().replace(/^job_/, '')}`
  const job = isJobId(id) ? await store.get(id) : undefined
  if (job !== undefined && sees(principal, job.owner)) return id
  const owner = ownerFilter(principal)
  const query = { limit: 2, lookAt: MAX_LOOKED_AT, ...(owner === undefined ? {} : { owner }) }
  const called = await store.listIds({ ...query, statuses: ['running'], where: ({ spec }) => spec.name === text })
  const range = jobIdRange(id)
  const begun =
    range === null ? [] : (await store.listIds({ ...query, ...range, where: (one) => one.id.startsWith(id) })).ids
  const [first, second] = new Set([...called.ids, ...begun])
  if (first === undefined) throw noJob(text)
  if (second !== undefined) {
    throw new SshRefusedError(`more than one job is called ${text}, or has an id that begins so: give an id`)
  }
  return first
}

/** Jobs that are looked at for a name, or the beginning of an id: the newest. */
const MAX_LOOKED_AT = 1_000

function noJob(user: string): SshRefusedError {
  return new SshRefusedError(`there is no job ${user} that this key may reach: 'cortex job list' shows them`)
}
