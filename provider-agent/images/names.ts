/**
 * What pulled images are called on the engine: by where they come from, in a space of their own. So a pull never changes
 * what one of the owner's names means, and what lies here counts only for whoever may read it at the same place.
 */

import { createHash } from 'node:crypto'
import type { Repository } from '../../node/registry/repository.ts'

/** Names that begin so are this program's; nobody runs an image by one. */
export const OWN_NAMES = 'cortex-node/'
const PUBLIC = `${OWN_NAMES}public/`
const PRIVATE = `${OWN_NAMES}private/`

const SENT = `${OWN_NAMES}sent/`

/** Leaves room in the 255 characters that a repository's name may have. */
const MAX_PLACE = 200

/**
 * The name of what was pulled as `digest` from there, by somebody with credentials or without.
 * @param platform of an index's other images than the engine's own. @default its own
 */
export function pulledName(repository: Repository, digest: string, isPublic: boolean, platform = ''): string {
  const other = platform === '' ? '' : `-${platform.replaceAll('/', '-')}`
  return `${isPublic ? PUBLIC : PRIVATE}${placeOf(repository)}:${digest.slice('sha256:'.length)}${other}`
}

/** Whether layers of this image may be used for one from there: everybody may read them, or whoever may read that one. */
export function isReadableAt(name: string, repository: Repository): boolean {
  return name.startsWith(PUBLIC) || name.startsWith(`${PRIVATE}${placeOf(repository)}:`)
}

/** Whether this names a copy of these bytes that anybody may read where it came from. */
export function isPublicCopy(name: string, digest: string): boolean {
  return name.startsWith(PUBLIC) && name.includes(`:${digest.slice('sha256:'.length)}`)
}

/** The name of an image that a requester sent, for that one alone. @param config its digest, hex: it says what the layers are */
export function sentName(requester: string, config: string): string {
  return `${SENT}${createHash('sha256').update(requester).digest('hex').slice(0, 40)}:${config}`
}

/** A port's colon is none in a name; hosts have no underscores. */
function placeOf({ host, path }: Repository): string {
  const place = `${host.replace(':', '_')}/${path}`
  if (place.length <= MAX_PLACE) return place
  return `long/${createHash('sha256').update(place).digest('hex')}`
}
