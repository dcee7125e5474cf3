import type { Readable } from 'node:stream'
import { entriesOf } from '../../../node/tar-entries.ts'
import { statusOf } from '../errors.ts'
import { FileError, type FileOwner } from '../file-access.ts'
import type { Inside } from './inside.ts'
import { openFileInside } from './kernel-content.ts'

/** Of a list of users or groups, in bytes. */
const MAX_LIST_BYTES = 1024 * 1024

const ROOT: FileOwner = { uid: 0, gid: 0 }

/**
 * Whose files a container's user writes; root's where nobody knows that user.
 * @param user as images and engines write it: a name or number, and behind a colon a group's
 * @param read the text of a file of the container, at most so many bytes; null where there is none, or it is larger
 */
export async function ownerIn(
  user: string,
  read: (path: string, maxBytes: number) => Promise<string | null>,
): Promise<FileOwner> {
  const [who = '', group = ''] = user.split(':')
  if (who === '') return ROOT
  // Where there is no such list, the engine knows no such user either.
  const list = async (path: string): Promise<string[][]> => linesOf((await read(path, MAX_LIST_BYTES)) ?? '')
  const users = isNumber(who) && isNumber(group) ? [] : await list('/etc/passwd')
  const known = users.find(([name, , uid]) => name === who || uid === who)
  const uid = isNumber(who) ? who : (known?.[2] ?? '0')
  if (group === '' || isNumber(group)) return { uid: Number(uid), gid: Number(group || (known?.[3] ?? '0')) }
  const groups = await list('/etc/group')
  return { uid: Number(uid), gid: Number(groups.find(([name]) => name === group)?.[2] ?? '0') }
}

function isNumber(text: string): boolean {
  return /^\d{1,9}$/.test(text)
}

/** Fields of lines. */
function linesOf(text: string): string[][] {
  const lines = text.split('\n')
  return lines.map((line) => line.split(':')).filter((fields) => fields.slice(2, 3).every(isNumber))
}

/** The text of a file, for {@link ownerIn}, as the kernel has it; undefined where the engine has to be asked. */
export async function textInside(inside: Inside, path: string, maxBytes: number): Promise<string | null | undefined> {
  try {
    await using held = await openFileInside(inside, path)
    const { size } = held.file
    return size > maxBytes ? null : await textOf(held.read(0, size), maxBytes)
  } catch (cause) {
    return cause instanceof FileError && cause.code === 'NO_FILE' ? null : undefined
  }
}

/** The text of the only file of a tar, for {@link ownerIn}. */
export async function textOfArchive(archive: Promise<Readable>, maxBytes: number): Promise<string | null> {
  try {
    const tar = await archive
    try {
      for await (const entry of entriesOf(tar)) return await textOf(entry as unknown as AsyncIterable<Buffer>, maxBytes)
    } finally {
      tar.destroy()
    }
  } catch (error) {
    // There is none, or a file on the way; whose its files are is not guessed where the engine did not answer.
    if (statusOf(error) === null) throw error
  }
  return null
}

/** All of what is read, as a text; null where that is more. */
async function textOf(content: AsyncIterable<Buffer>, maxBytes: number): Promise<string | null> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of content) {
    bytes += chunk.length
    if (bytes > maxBytes) return null
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
