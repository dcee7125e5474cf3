/** `cortex volume download` and `upload`: what is in a volume, from and to the disk here. */

import { createReadStream } from 'node:fs'
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, posix, resolve } from 'node:path'
import type { Readable } from 'node:stream'
import { containerPath } from '../../protocol/file-messages.ts'
import { isVolumeId } from '../../protocol/job-fields.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { extractTar } from '../outputs/extract.ts'
import { CliError } from './cli-error.ts'
import { inWords, mustBeNew, packed } from './local-files.ts'
import { printJson, say, writeRaw } from './print.ts'

/** Files of one volume; paths are within it. */
export interface VolumeContent {
  /** What is there: null where nothing is. */
  typeAt(path: string): Promise<string | null>
  /** Whatever is there as a tar, whose entries begin with the path's last part, `volume` of all of it. */
  readTar(path: string): Promise<Readable>
  write(path: string, how: { tar?: boolean; mode?: number }, source: Readable): Promise<Written>
}

interface Written {
  files: number
  bytes: number
  leftOut: readonly LeftOut[]
}

/** A place in a volume. */
export interface VolumePlace {
  id: string
  path: string
}

/** What entries of a tar of the whole volume begin with. */
const WHOLE = 'volume'

/** @param text `vol_…`, or `vol_…:/path` @throws {CliError} */
export function volumePlace(text: string): VolumePlace {
  const [, id = '', given = '/'] = /^([^:]+)(?::(.*))?$/s.exec(text) ?? []
  if (!isVolumeId(id))
    throw new CliError(`${text}: a volume is named by its id, such as vol_5d41402abc4b2a76b9719d911f`)
  const path = containerPath(given)
  if (path === null) throw new CliError(`${text}: the path in the volume is absolute, such as ${id}:/data`)
  return { id, path }
}

/** @param to a folder, a file's new name, or `-` for a tar. @default the path's last part, or the volume's id */
export async function downloadVolume(
  content: VolumeContent,
  { id, path }: VolumePlace,
  to: string | undefined,
  options: { json?: true },
): Promise<void> {
  if (to === '-') {
    for await (const chunk of await content.readTar(path)) await writeRaw('stdout', chunk as Buffer)
    return
  }
  const root = path === '/' ? WHOLE : posix.basename(path)
  const type = await content.typeAt(path)
  if (type === null) throw new CliError(`There is nothing at ${path} of the volume`)
  if (type !== 'file' && type !== 'folder')
    throw new CliError(`${path} of the volume is a ${type}: files and folders are copied`)
  const isFolder = to !== undefined && (await stat(to).catch(() => null))?.isDirectory() === true
  const place = resolve(type === 'file' && isFolder ? join(to, root) : (to ?? (path === '/' ? id : root)))
  if (!(await stat(dirname(place)).catch(() => null))?.isDirectory())
    throw new CliError(`There is no folder ${dirname(place)} here: make it first`)
  await mustBeNew(place)
  const part = await mkdtemp(join(dirname(place), `.${basename(place)}.`)).catch(inWords)
  try {
    const tar = await content.readTar(path)
    const { files, bytes, leftOut } = await extractTar(tar, part, [root]).catch(inWords)
    await rename(join(part, root), place).catch(inWords)
    tell({ files, bytes, leftOut }, place, options)
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

/** @param from a file, a folder, of which what is in it is put there, or `-` for a tar on the standard input */
export async function uploadVolume(
  content: VolumeContent,
  from: string,
  { path }: VolumePlace,
  options: { json?: true },
): Promise<void> {
  if (from === '-') {
    tell(await content.write(path, { tar: true }, process.stdin), path, options)
    return
  }
  const own = await stat(from).catch((cause) => {
    throw new CliError(`There is nothing at ${from}`, 1, { cause })
  })
  if (own.isFile()) {
    const isInto = path === '/' || (await content.typeAt(path)) === 'folder'
    const to = isInto ? posix.join(path, basename(resolve(from))) : path
    tell(await content.write(to, { mode: own.mode & 0o777 }, createReadStream(from)), to, options)
    return
  }
  if (!own.isDirectory()) throw new CliError(`${from} is neither a file nor a folder`)
  const leftOut: LeftOut[] = []
  const written = await content.write(path, { tar: true }, packed(from, leftOut))
  tell({ ...written, leftOut: [...leftOut, ...written.leftOut] }, path, options)
}

function tell({ files, bytes, leftOut }: Written, to: string, { json }: { json?: true }): void {
  if (json === true) printJson({ files, bytes, to, leftOut })
  else say(`${files} files, ${bytes} bytes in ${to}`)
  for (const { path, reason } of leftOut) say(`left out: ${path} ${reason}`)
}
