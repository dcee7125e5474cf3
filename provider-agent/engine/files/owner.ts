import type { Readable } from 'node:stream'
import { entriesOf } from '../../../node/tar-entries.ts'
import type { FileOwner } from '../file-access.ts'

/** Of a list of users or groups, in bytes. */
const MAX_LIST_BYTES = 1024 * 1024

const ROOT: FileOwner = { uid: 0, gid: 0 }

/**
 * Whose files a container's user writes; root's where nobody knows that user.
 * @param user as images and engines write it: a name or number, and behind a colon a group's
 * @param archive a path of the container as a tar
 */
export async function ownerIn(user: string, archive: (path: string) => Promise<Readable>): Promise<FileOwner> {
  const [who = '', group = ''] = user.split(':')
  if (who === '') return ROOT
  const users = isNumber(who) && isNumber(group) ? [] : await linesOf('/etc/passwd', archive)
  const known = users.find(([name, , uid]) => name === who || uid === who)
  const uid = isNumber(who) ? who : (known?.[2] ?? '0')
  if (group === '' || isNumber(group)) return { uid: Number(uid), gid: Number(group || (known?.[3] ?? '0')) }
  const groups = await linesOf('/etc/group', archive)
  return { uid: Number(uid), gid: Number(groups.find(([name]) => name === group)?.[2] ?? '0') }
}

function isNumber(text: string): boolean {
  return /^\d{1,9}$/.test(text)
}

/** Fields of lines; none where there is no such file, or one that is larger than such lists are. */
async function linesOf(path: string, archive: (path: string) => Promise<Readable>): Promise<string[][]> {
  try {
    const tar = await archive(path)
    try {
      for await (const entry of entriesOf(tar)) {
        const chunks: Buffer[] = []
        let bytes = 0
        for await (const chunk of entry as unknown as AsyncIterable<Buffer>) {
          bytes += chunk.length
          if (bytes > MAX_LIST_BYTES) return []
          chunks.push(chunk)
        }
        const lines = Buffer.concat(chunks).toString('utf8').split('\n')
        return lines.map((line) => line.split(':')).filter((fields) => fields.slice(2, 3).every(isNumber))
      }
    } finally {
      tar.destroy()
    }
  } catch {
    // There is none: then the engine knows no such user either.
  }
  return []
}
