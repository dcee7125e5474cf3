import { posix } from 'node:path'
import { containerPath } from '../../../protocol/file-messages.ts'
import { MAX_PATH_BYTES } from '../../../protocol/limits.ts'
import type { JobFile } from '../../reach/index.ts'
import { SftpError, Status } from './index.ts'

/** What is looked at on the way to one path: each look asks the provider. */
const MAX_LOOKS = 64

/**
 * A path as a client gives it, as a path of the container: from `home` where it is relative. Where it climbs by `..` out of
 * a link, that is out of the folder which the link leads to, as for a program in the container; above the root is the root.
 *
 * @param look what is at a path, a link as itself @throws {SftpError}
 */
export async function resolvePath(
  given: string,
  home: string,
  look: (path: string) => Promise<JobFile | null>,
): Promise<string> {
  const whole = given.startsWith('/') ? given : `${home}/${given}`
  checkPath(whole)
  const rest = whole.split('/').filter((part) => part !== '' && part !== '.')
  let looks = 0
  let folder = '/'
  while (rest.includes('..')) {
    const part = rest.shift() ?? ''
    if (part === '..') {
      folder = posix.dirname(folder)
      continue
    }
    looks += 1
    if (looks > MAX_LOOKS) throw new SftpError(Status.failed, 'The path is too long, or leads in circles')
    const at = posix.join(folder, part)
    const found = await look(at)
    if (found === null) throw new SftpError(Status.noFile, `There is nothing at ${at}`)
    if (found.type === 'link') {
      if (found.target.startsWith('/')) folder = '/'
      rest.unshift(...found.target.split('/').filter((one) => one !== '' && one !== '.'))
    } else folder = at
  }
  return checkPath(posix.join(folder, ...rest))
}

function checkPath(path: string): string {
  const plain = containerPath(path)
  if (plain === null) {
    throw new SftpError(Status.failed, `A path has at most ${MAX_PATH_BYTES} bytes, and none of them is zero`)
  }
  return plain
}
