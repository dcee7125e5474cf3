import { createReadStream, type Stats } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  readdir,
  readlink,
  rename,
  rm,
  rmdir,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import type { JobFile } from '../../../../../node/reach/index.ts'
import type { SftpFiles } from '../../../../../node/ssh/sftp/index.ts'

/** Files of a folder here in place of a container's, and what was done with them. */
export interface DiskFiles extends SftpFiles {
  done: string[]
}

/** @param root is `/` of these */
export function diskFiles(root: string): DiskFiles {
  const done: string[] = []
  const at = (path: string): string => join(root, path)
  const fileOf = (path: string, stats: Stats, target = ''): JobFile => ({
    name: basename(path),
    type: stats.isFile() ? 'file' : stats.isDirectory() ? 'folder' : stats.isSymbolicLink() ? 'link' : 'other',
    ...{ size: stats.isFile() ? stats.size : 0, mode: stats.mode & 0o7777, mtimeMs: stats.mtimeMs, target },
  })
  const look = async (path: string): Promise<JobFile | null> => {
    const stats = await lstat(at(path)).catch(() => null)
    if (stats === null) return null
    return fileOf(path, stats, stats.isSymbolicLink() ? await readlink(at(path)) : '')
  }
  return {
    done,
    lstat: look,
    stat: async (path) => {
      const stats = await stat(at(path)).catch(() => null)
      return stats === null ? null : fileOf(path, stats)
    },
    list: async (path, after) => {
      const names = (await readdir(at(path))).filter((name) => name > after).sort()
      const page = names.slice(0, 1000)
      const found = await Promise.all(page.map(async (name) => await look(join(path, name))))
      return { entries: found.filter((file) => file !== null), more: names.length > page.length }
    },
    read: async (path) => {
      done.push(`read ${path}`)
      return { file: fileOf(path, await stat(at(path))), content: createReadStream(at(path)) }
    },
    write: async (path, { mode, mtimeMs }, content, signal) => {
      const bytes = await buffer(content())
      signal.throwIfAborted()
      done.push(`write ${path} ${bytes.length}`)
      await writeFile(at(path), bytes)
      await chmod(at(path), mode)
      if (mtimeMs !== undefined) await utimes(at(path), mtimeMs / 1000, mtimeMs / 1000)
    },
    makeFolder: async (path, mode) => {
      await mkdir(at(path))
      await chmod(at(path), mode)
    },
    makeLink: async (path, target) => await symlink(target, at(path)),
    remove: async (path) => {
      if ((await lstat(at(path))).isDirectory()) await rmdir(at(path))
      else await rm(at(path))
    },
    move: async (path, to) => await rename(at(path), at(to)),
    change: async (path, { mode, mtimeMs }) => {
      if (mode !== undefined) await chmod(at(path), mode)
      if (mtimeMs !== undefined) await utimes(at(path), mtimeMs / 1000, mtimeMs / 1000)
    },
  }
}
