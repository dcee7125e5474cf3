import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { ContainerEngine } from '../engine/index.ts'
import { inputLabel } from '../engine/input-volumes.ts'
import { PART_PREFIX } from './place.ts'

/** Parts of images that were brought, as files of the agent's own. */
export interface PartFiles {
  pathOf(name: string): string
  /** Whether it is there, with so many bytes. */
  has(name: string, bytes: number): Promise<boolean>
  /** Takes a file that is whole. */
  take(name: string, from: string): Promise<void>
  /** The engine, as a shelf sees it: with these files among its volumes. */
  among(engine: Pick<ContainerEngine, 'volumes' | 'removeVolume'>): Pick<ContainerEngine, 'volumes' | 'removeVolume'>
}

/** @param folder made where it is missing */
export function createPartFiles(folder: string): PartFiles {
  const pathOf = (name: string): string => join(folder, name)
  return {
    pathOf,
    has: async (name, bytes) => (await stat(pathOf(name)).catch(() => null))?.size === bytes,
    take: async (name, from) => await rename(from, pathOf(name)),
    among: (engine) => ({
      async volumes(owner, options) {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        const names = (await readdir(folder)).filter((name) => name.startsWith(PART_PREFIX))
        const files = names.map((name) => ({ name, labels: { [inputLabel]: name } }))
        return [...(await engine.volumes(owner, options)), ...files]
      },
      async removeVolume(name, options) {
        if (name.startsWith(PART_PREFIX)) await rm(pathOf(name), { force: true })
        else await engine.removeVolume(name, options)
      },
    }),
  }
}
