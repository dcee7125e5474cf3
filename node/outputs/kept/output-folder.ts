import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isJobId } from '../../../protocol/ids.ts'
import type { Outputs } from '../index.ts'

/** A file of the folder, without the name of whose job it is. */
export interface KeptFile {
  jobId: string
  bytes: number
  /** The file's time. */
  keptAtMs: number
}

/**
 * The files of outputs. Each job with outputs has an empty file `JOB.expected` from before its provider was told of it
 * until its output is here, so that a crash at any point leaves a list of what is still to be fetched. `JOB.part` is what
 * came so far; then there is `JOB.tar`.
 */
export interface OutputFolder {
  make(): Promise<void>
  /** Jobs whose output is still to come. */
  expected(): Promise<string[]>
  expect(jobId: string): Promise<void>
  /** Nothing more is to come. */
  settled(jobId: string): Promise<void>
  partOf(jobId: string): string
  /** All of it is in its `part`. */
  arrived(jobId: string): Promise<void>
  /** Bytes of the tar; null where there is none. */
  sizeOf(jobId: string): Promise<number | null>
  /** @param kind `part` for what came of those whose tries broke off. Oldest first */
  list(kind: 'tar' | 'part'): Promise<KeptFile[]>
  remove(jobId: string, kind: 'tar' | 'part'): Promise<void>
  open: Outputs['open']
}

/** @param folder made where it is missing, for its owner alone */
export function createOutputFolder(folder: string): OutputFolder {
  const pathOf = (jobId: string, kind: 'tar' | 'part' | 'expected'): string => join(folder, `${jobId}.${kind}`)
  const remove = async (jobId: string, kind: 'tar' | 'part' | 'expected'): Promise<void> =>
    await rm(pathOf(jobId, kind), { force: true })

  return {
    remove,
    async make() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
    },
    async expected() {
      const names = (await readdir(folder)).filter((name) => name.endsWith('.expected'))
      return names.map((name) => name.slice(0, -'.expected'.length)).filter(isJobId)
    },
    async expect(jobId) {
      await writeFile(pathOf(jobId, 'expected'), '', { mode: 0o600 })
    },
    async settled(jobId) {
      await remove(jobId, 'part')
      await remove(jobId, 'expected')
    },
    partOf: (jobId) => pathOf(jobId, 'part'),
    async arrived(jobId) {
      await rename(pathOf(jobId, 'part'), pathOf(jobId, 'tar'))
    },
    async sizeOf(jobId) {
      const found = await stat(pathOf(jobId, 'tar')).catch(() => null) // not there: the usual
      return found?.size ?? null
    },
    async list(kind) {
      const names = (await readdir(folder)).filter((name) => name.endsWith(`.${kind}`))
      const found = await Promise.all(
        names.map(async (name) => {
          const { size, mtimeMs } = await stat(join(folder, name))
          return { jobId: name.slice(0, -`.${kind}`.length), bytes: size, keptAtMs: mtimeMs }
        }),
      )
      return found.toSorted((a, b) => a.keptAtMs - b.keptAtMs)
    },
    async open(jobId, part) {
      if (!isJobId(jobId)) return null
      try {
        const file = await open(pathOf(jobId, 'tar'))
        const range = part === undefined ? {} : { start: part.offset, end: part.offset + part.length - 1 }
        return { bytes: (await file.stat()).size, stream: file.createReadStream(range) }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    },
  }
}
