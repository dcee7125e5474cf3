import { posix } from 'node:path'
import type { Header } from 'tar-stream'

/** An entry as it is called in another archive. */
export type Rename = (header: Header) => Header

/** Nothing is called otherwise. */
export const asItIs: Rename = (header) => header

/**
 * Calls the root of an archive otherwise, in the names of its entries and in what its links lead to, where that goes by the
 * root's name. What lies beside the root stays as it is.
 */
export function renaming(root: string, as: string): Rename {
  if (root === as) return asItIs

  function renamed(path: string): string {
    const plain = posix.normalize(path)
    if (plain !== root && !plain.startsWith(`${root}/`)) return path
    return `${as}${plain.slice(root.length)}`
  }

  /** A link that climbs over the root comes to its name again on the way down. */
  function symlinked(name: string, target: string): string {
    const folder = posix.dirname(name)
    const climbs = /^(?:\.\/)*(?:\.\.(?:\/|$)(?:\.\/)*)*/.exec(target)?.[0].match(/\.\./g)?.length ?? 0
    if (target.startsWith('/') || climbs < folder.split('/').length) return target
    const end = posix.join(folder, target)
    return end === renamed(end) ? target : posix.relative(renamed(folder), renamed(end)) || '.'
  }

  return (header) => {
    const { name, type, linkname } = header
    if (linkname === null || linkname === undefined) return { ...header, name: renamed(name) }
    const target = type === 'symlink' ? symlinked(posix.normalize(name), linkname) : renamed(linkname)
    return { ...header, name: renamed(name), linkname: target }
  }
}
