/**
 * Files of a container, by the engine's archives: those work for every image, also where it has no shell. What archives
 * cannot do, or only by reading all contents, this machine's kernel does where the container's programs run on it.
 */

import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type Docker from 'dockerode'
import { type Abort, askEngine } from './ask-engine.ts'
import { checkName } from './container/spec.ts'
import { statusOf } from './errors.ts'
import { type ContainerFile, type FileAccess, FileError, type FoundFile } from './file-access.ts'
import { listArchive } from './files/archive-list.ts'
import { removeByCommand } from './files/command-remove.ts'
import { type Inside, openInside } from './files/inside.ts'
import { createKernelFiles, type OpenRoot } from './files/kernel-files.ts'
import { kernelFirst } from './files/kernel-first.ts'
import { listInside } from './files/kernel-list.ts'
import { removeInside } from './files/kernel-remove.ts'
import { ownerIn, textInside, textOfArchive } from './files/owner.ts'
import { readPathStat } from './files/path-stat.ts'
import { unpackProblem } from './files/problem.ts'
import { EngineError } from './index.ts'
import type { RunCommand } from './running-exec.ts'
import { hasOwnKernel } from './usage/own-kernel.ts'

/** @param exec runs a command in a container */
export function createFileAccess(docker: Docker, exec: RunCommand): FileAccess {
  const archive = async (name: string, path: string, abort: Abort): Promise<Readable> => {
    checkName(name)
    return (await docker.getContainer(name).getArchive({ path, ...abort })) as unknown as Readable
  }

  const inside: OpenRoot = async (name, asked, signal) =>
    await askEngine(asked, signal, async (abort) => {
      checkName(name)
      const details = await docker.getContainer(name).inspect(abort)
      return hasOwnKernel(details) ? null : await openInside(details)
    })

  const stat = async (name: string, path: string, abort: Abort): Promise<FoundFile | null> => {
    checkName(name)
    let at = path
    for (let links = 0; links < 2; links += 1) {
      const { file, leadsTo } = await lookAt(docker.getContainer(name), at, abort)
      if (file === null) return null
      if (file.type !== 'link') return { ...file, path: at }
      at = leadsTo
    }
    return null // it changes as it is looked at
  }

  const itself = async (name: string, path: string, abort: Abort): Promise<ContainerFile | null> => {
    checkName(name)
    return (await lookAt(docker.getContainer(name), path, abort)).file
  }

  return {
    archive: (name, path, { signal } = {}) =>
      askEngine(`reading ${path} of ${name}`, signal, async (abort) => await archive(name, path, abort)),

    stat: (name, path, { signal } = {}) =>
      askEngine(`looking at ${path} of ${name}`, signal, async (abort) => await stat(name, path, abort)),

    async unpack(name, folder, tar, { signal } = {}) {
      try {
        await askEngine(`writing to ${folder} of ${name}`, signal, async (abort) => {
          checkName(name)
          const how = { path: folder, noOverwriteDirNonDir: '1', ...abort }
          await docker.getContainer(name).putArchive(tar as unknown as NodeJS.ReadableStream, how)
        })
      } catch (error) {
        throw error instanceof EngineError ? (unpackProblem(error) ?? error) : error
      } finally {
        tar.destroy()
      }
    },

    list: async (name, path, page, { signal } = {}) => {
      const asked = `listing ${path} of ${name}`
      const root = await inside(name, asked, signal)
      const byKernel = async (held: Inside) => await listInside(held, path, page, signal)
      return await kernelFirst(root, byKernel, async () => {
        const found = await askEngine(asked, signal, async (abort) => await stat(name, path, abort))
        if (found?.type !== 'folder') throw new FileError('BAD_PATH', 'There is no folder at the path')
        const tar = await askEngine(asked, signal, async (abort) => await archive(name, found.path, abort))
        return await listArchive(tar, page)
      })
    },

    remove: async (name, path, how, { signal } = {}) => {
      const root = await inside(name, `removing ${path} of ${name}`, signal)
      const byKernel = async (held: Inside) => await removeInside(held, path, how, signal)
      await kernelFirst(root, byKernel, async () => await removeByCommand(exec, name, path, how, signal))
    },

    ...createKernelFiles({ inside, itself, exec }),

    ownerOf: (name, { signal } = {}) =>
      askEngine(`finding the user of ${name}`, signal, async (abort) => {
        checkName(name)
        const details = await docker.getContainer(name).inspect(abort)
        const root = hasOwnKernel(details) ? null : await openInside(details)
        await using held = root
        return await ownerIn(details.Config.User ?? '', async (path, maxBytes) => {
          const found = held === null ? undefined : await textInside(held, path, maxBytes)
          return found === undefined ? await textOfArchive(archive(name, path, abort), maxBytes) : found
        })
      }),
  }
}

/** What engines answer, without a word, to a way that leads nowhere: 404, and where it leads through a file, or in circles, others. */
const NOTHING_THERE = [400, 404, 500]

async function lookAt(
  container: Docker.Container,
  path: string,
  abort: Abort,
): Promise<{ file: ContainerFile | null; leadsTo: string }> {
  try {
    const answer = (await container.infoArchive({ path, ...abort })) as unknown as Readable & {
      headers?: Record<string, string | string[] | undefined>
    }
    await buffer(answer) // without a body, but it holds the connection
    return readPathStat(String(answer.headers?.['x-docker-container-path-stat'] ?? ''))
  } catch (error) {
    if (NOTHING_THERE.includes(statusOf(error) ?? 0)) return { file: null, leadsTo: '' }
    throw error
  }
}
