import type { SinceBoot } from '../../node/clock.ts'
import { allows, type Grant, type Permission } from '../contract/permissions.ts'
import { GatewayError } from './errors.ts'

/** When something ends. */
export interface Expiry {
  expiresAtMs: number
  /** The same on the clock since boot: a wall clock that was set ends nothing, and keeps nothing alive. */
  boot?: SinceBoot | undefined
}

/** What a browser was signed in with. */
export interface Session extends Expiry {
  /** Digest of its token. */
  id: string
}

/** Who asks, and how they showed it. */
export interface Principal {
  /** Id of the key behind it; `loopback` where none was needed. */
  keyId: string
  owner: string
  grants: readonly Grant[]
  /** How it was shown: only `key` may be used by programs on behalf of jobs; `cookie` needs an Origin check. */
  via: 'key' | 'cookie' | 'stream-token' | 'loopback'
  /** The session that it was shown in; absent where there is none. */
  session?: Session
}

/** Whether they may do everything, with every owner’s objects. */
export function isAdmin(principal: Principal): boolean {
  return principal.grants.includes('admin')
}

/** Whether they may see an object of this owner; another owner's object is answered as if it were not there. */
export function sees(principal: Principal, owner: string): boolean {
  return principal.owner === owner || seesAll(principal)
}

/** Whether they may see every owner's objects. */
export function seesAll(principal: Principal): boolean {
  return isAdmin(principal) || principal.via === 'loopback'
}

/** The owner to filter by; undefined is everybody's. */
export function ownerFilter(principal: Principal): string | undefined {
  return isAdmin(principal) ? undefined : principal.owner
}

/** @throws {GatewayError} FORBIDDEN */
export function assertPermission(principal: Principal, permission: Permission): void {
  if (allows(principal.grants, permission)) return
  throw new GatewayError('FORBIDDEN', `This key lacks the permission ${permission}: use another, or ask its admin`, {
    details: { permission },
  })
}
