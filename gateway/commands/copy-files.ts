import { createReadStream, createWriteStream } from 'node:fs'
import { mkdtemp, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, posix, resolve } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { CliError } from '../../node/commands/cli-error.ts'
import { inWords, mustBeNew, packed, readable } from '../../node/commands/local-files.ts'
import { printJson, say, writeRaw } from '../../node/commands/print.ts'
import { extractTar } from '../../node/outputs/extract.ts'
import { containerPath } from '../../protocol/file-messages.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { type ContainerFiles, type CortexClient, CortexError } from '../client/index.ts'
import { wholeJobId } from './job-id.ts'

/** What was copied, and what was not. */
interface Copied {
  files: number
  bytes: number
  /** Where it is now. */
  to: string
  leftOut: LeftOut[]
}

/** A path of a job's container. */
interface Remote {
  id: string
  path: string
  /** Whether what is in the folder is meant, and not the folder. */
  isContent: boolean
}

/** Copies one way or the other; `-` is a tar. @throws {CliError} */
export async function copyFiles(
  client: CortexClient,
  from: string,
  to: string,
  { json }: { json?: true },
): Promise<void> {
  const [source, target] = [await remoteOf(client, from), await remoteOf(client, to)]
  if ((source === null) === (target === null)) {
    throw new CliError('One of the two is a path of a job, JOB:/path, and the other one a path here')
  }
  const copied = source !== null ? await fetchTo(client, source, to) : await sendTo(client, from, target as Remote)
  if (copied === null) return
  if (json === true) printJson(copied)
  else say(`${copied.files} files, ${copied.bytes} bytes in ${copied.to}`)
  for (const { path, reason } of Array.isArray(copied.leftOut) ? copied.leftOut : []) say(`left out: ${path} ${reason}`)
}

/** Null for a path here. @throws {CliError} */
async function remoteOf(client: CortexClient, text: string): Promise<Remote | null> {
  const [, job, given = ''] = /^(\w+):(.*)$/s.exec(text) ?? []
  if (job === undefined) return null
  const path = containerPath(given)
  if (path === null) throw new CliError(`${text}: the path in the container is absolute, such as ${job}:/data`)
  return { id: await wholeJobId(client, job), path, isContent: /\/\.$/.test(given) }
}

async function fetchTo(client: CortexClient, { id, path, isContent }: Remote, to: string): Promise<Copied | null> {
  if (to === '-') {
    for await (const chunk of readable(await client.jobs.files.readTar(id, path))) await writeRaw('stdout', chunk)
    return null
  }
  const found = await client.jobs.files.list(id, path, { max: 0 }).catch(nothing)
  if (found === null) throw new CliError(`There is nothing at ${path} of the job`)
  const isThere = (await stat(to).catch(() => null))?.isDirectory() === true
  const place = isThere && !isContent ? join(to, posix.basename(path)) : to
  const parent = dirname(resolve(place))
  if (!(await stat(parent).catch(() => null))?.isDirectory())
    throw new CliError(`There is no folder ${parent} here: make it first`)
  if (found.type === 'file') return await fetchFile(client, { id, path, mode: String(found.mode) }, place)
  if (found.type !== 'folder') throw new CliError(`${path} of the job is a ${found.type}: files and folders are copied`)
  return await fetchFolder(client, { id, path, root: String(found.name) }, place)
}

async function fetchFile(
  client: CortexClient,
  { id, path, mode }: { id: string; path: string; mode: string },
  to: string,
): Promise<Copied> {
  // Beside it, so that what was there stays until all of it has come.
  const part = join(dirname(to), `.${basename(to)}.${process.pid}.part`)
  try {
    const content = readable(await client.jobs.files.read(id, path))
    const permissions = Number.parseInt(mode, 8) & 0o777
    const file = createWriteStream(part, { flags: 'wx', mode: permissions })
    await pipeline(content, file).catch(inWords)
    await rename(part, to)
    return { files: 1, bytes: file.bytesWritten, to, leftOut: [] }
  } finally {
    await rm(part, { force: true })
  }
}

async function fetchFolder(
  client: CortexClient,
  { id, path, root }: { id: string; path: string; root: string },
  to: string,
): Promise<Copied> {
  if (path === '/') throw new CliError('Name a folder of the container: all of it is copied as a tar only, to -')
  // What answers there need not be a gateway, and this becomes a path here.
  if (root !== posix.basename(root) || ['', '.', '..'].includes(root)) {
    throw new CliError(`The gateway calls ${path} of the job ${JSON.stringify(root)}, which is no name of a folder`)
  }
  await mustBeNew(to)
  const place = resolve(to)
  const part = await mkdtemp(join(dirname(place), `.${basename(place)}.`)).catch(inWords)
  try {
    const tar = readable(await client.jobs.files.readTar(id, path))
    const { files, bytes, leftOut } = await extractTar(tar, part, [root]).catch(inWords)
    await rename(join(part, root), place)
    return { files, bytes, to, leftOut }
  } finally {
    await rm(part, { recursive: true, force: true })
  }
}

async function sendTo(client: CortexClient, from: string, { id, path }: Remote): Promise<Copied> {
  if (from === '-') return { ...(await client.jobs.files.writeTar(id, path, body(process.stdin))), to: path }
  const own = await stat(from).catch((cause) => {
    throw new CliError(`There is nothing at ${from}`, 1, { cause })
  })
  const there = await client.jobs.files.list(id, path, { max: 0 }).catch(nothing)
  const isInto = there?.type === 'folder' && !/(^|\/)\.$/.test(from)
  const to = isInto ? posix.join(path, basename(resolve(from))) : path
  if (own.isFile()) {
    const mode = own.mode & 0o777
    return { ...(await client.jobs.files.write(id, to, body(createReadStream(from)), { mode })), to }
  }
  if (!own.isDirectory()) throw new CliError(`${from} is neither a file nor a folder`)
  const leftOut: LeftOut[] = []
  const written = await client.jobs.files.writeTar(id, to, body(packed(from, leftOut)))
  return { ...written, to, leftOut: [...leftOut, ...(Array.isArray(written.leftOut) ? written.leftOut : [])] }
}

function nothing(error: unknown): ContainerFiles | null {
  if (error instanceof CortexError && error.code === 'RESOURCE_NOT_FOUND') return null
  throw error
}

function body(stream: Readable): ReadableStream<Uint8Array> {
  return Readable.toWeb(stream) as ReadableStream<Uint8Array>
}
