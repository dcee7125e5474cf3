/** Chosen files as an upload: one as it is, several, or those of a folder, as a tar. */

import { type Pack, pack } from 'tar-stream'
import type { UploadSource } from '../../../client/index.ts'
import type { Chosen, ChosenFile } from '../ui/dropped-files.ts'

/** Bytes of a header, and of what each entry is filled up to. */
const BLOCK = 512
/** No browser tells modes: whatever is a program can be run. */
const MODE = 0o755
/** The longest name of an upload, in characters. */
const MAX_NAME = 256

/** What is uploaded, and about how many bytes that are. */
export interface ChosenUpload {
  source: UploadSource
  type: 'file' | 'folder'
  name: string
  size: number
}

/** @param chosen at least one file */
export function asUpload({ files }: Pick<Chosen, 'files'>): ChosenUpload {
  const [first, second] = files
  if (first === undefined) throw new Error('There is no file')
  if (second === undefined && !first.path.includes('/')) {
    return { source: first.file, type: 'file', name: nameOf(first.path), size: first.file.size }
  }
  const inside = withoutFolder(files)
  const size = files.reduce((sum, { file }) => sum + BLOCK + BLOCK * Math.ceil(file.size / BLOCK), 2 * BLOCK)
  const [folder = ''] = first.path.split('/')
  return { source: (offset) => from(tarOf(inside), offset), type: 'folder', name: nameOf(folder), size }
}

/** As an upload may be called: one line. */
function nameOf(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/[\p{C}\u2028\u2029]/gu, ' ')
    .slice(0, MAX_NAME)
}

/** What stands in the one folder that was chosen stands at the input's path; of several, each in its own. */
function withoutFolder(files: ChosenFile[]): ChosenFile[] {
  const tops = new Set(files.map(({ path }) => (path.includes('/') ? path.slice(0, path.indexOf('/') + 1) : '')))
  const [top = ''] = tops
  return tops.size > 1 || top === '' ? files : files.map(({ path, file }) => ({ path: path.slice(top.length), file }))
}

async function* tarOf(files: ChosenFile[]): AsyncGenerator<Uint8Array> {
  const out = pack()
  const filling = fill(out, files).catch((error: unknown) => {
    out.destroy(error instanceof Error ? error : new Error(String(error)))
  })
  for await (const chunk of out as unknown as AsyncIterable<Uint8Array>) yield chunk
  await filling
}

async function fill(out: Pack, files: ChosenFile[]): Promise<void> {
  for (const { path, file } of files) {
    const written = Promise.withResolvers<void>()
    const mtime = new Date(Math.floor(file.lastModified / 1000) * 1000)
    const entry = out.entry({ name: path, size: file.size, mode: MODE, mtime }, (error) =>
      error ? written.reject(error) : written.resolve(),
    )
    let goOn: (() => void) | undefined
    entry.on('drain', () => goOn?.())
    entry.on('close', () => goOn?.())
    const reader = file.stream().getReader()
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      const room = Promise.withResolvers<void>()
      goOn = room.resolve
      if (!entry.write(next.value)) await room.promise
    }
    entry.end(undefined)
    await written.promise
  }
  out.finalize()
}

/** Without what comes before the offset. */
async function* from(source: AsyncIterable<Uint8Array>, offset: number): AsyncGenerator<Uint8Array> {
  let left = offset
  for await (const chunk of source) {
    if (left < chunk.length) yield chunk.subarray(left)
    left = Math.max(0, left - chunk.length)
  }
}
