/**
 * Volumes that hold what jobs bring. The engine itself unpacks them, in a container that is made for it and never runs: that
 * works with engines on other machines, too, and whatever is in an archive stays in that container.
 */

import type { Duplex, Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type Docker from 'dockerode'
import { extract, type Pack } from 'tar-stream'
import { tarMode, tarOf } from '../../node/tar-of.ts'
import { type Abort, askEngine } from './ask-engine.ts'
import { checkName } from './container/spec.ts'
import { statusOf } from './errors.ts'
import type { AbortOptions } from './index.ts'
import { ownerLabel } from './labels.ts'
import { removeContainer } from './removal.ts'
import { openStandardInput } from './standard-input.ts'

/** Marks a volume that holds an input; its value says which. */
export const inputLabel = 'cortex.input'

/** Begins the names of volumes that hold an input, one that a job may write included. */
export const INPUT_PREFIX = 'cortex-input-'

/** What entries of the archive stand under that fills a volume: there the volume is mounted. No image has anything there. */
export const INPUT_ROOT = '.cortex-input'
const INSIDE = `/${INPUT_ROOT}`

/** A volume to be made, and what it is made by. */
export interface NewInputVolume {
  name: string
  labels: Record<string, string>
  /** Peer id of the agent. */
  owner: string
  /** A name that nothing on the engine has, for as long as it takes; see {@link ContainerSpec.name}. */
  helper: string
  /** An image that the engine has; nothing of it runs. */
  image: string
}

/** What is done with such volumes. Engines' errors are `EngineError`. */
export interface InputVolumes {
  /** Whether it is there, with that value of {@link inputLabel}. */
  has(name: string, value: string, options?: AbortOptions): Promise<boolean>
  /** Makes it of a tar with all entries under {@link INPUT_ROOT}, whole or not at all. @throws what the tar ends with */
  fill(volume: NewInputVolume, tar: Readable, options?: AbortOptions): Promise<void>
  /** Makes it of another. */
  copy(from: string, volume: NewInputVolume, options?: AbortOptions): Promise<void>
  /** Puts a volume's file into a container that was created, at a path of its own. */
  put(
    volume: Pick<NewInputVolume, 'name' | 'owner' | 'helper'>,
    file: string,
    to: { container: string; path: string },
    options?: AbortOptions,
  ): Promise<void>
  /** Writes a volume's file to a stream. @param container of whose image the helper is made */
  read(
    volume: Pick<NewInputVolume, 'name' | 'owner' | 'helper'>,
    file: string,
    from: { container: string; sink: Writable },
    options?: AbortOptions,
  ): Promise<void>
  /** Opens the standard input of a container that has not started, see {@link openStandardInput}. */
  stdin(container: string, options?: AbortOptions): Promise<Duplex>
  /** Where the engine's machine has a file of it. */
  pathOf(name: string, file: string, options?: AbortOptions): Promise<string>
}

/** @param docker connected to the engine */
export function createInputVolumes(docker: Docker): InputVolumes {
  /** With an archive of a volume's file. @param of.container of whose image the helper is made */
  async function withFile(
    volume: Pick<NewInputVolume, 'name' | 'owner' | 'helper'>,
    of: { file: string; container: string },
    abort: Abort,
    task: (tar: Readable) => Promise<void>,
  ): Promise<void> {
    const { Image: image } = await docker.getContainer(of.container).inspect(abort)
    const mounts = [{ name: volume.name, at: INSIDE, readOnly: true }]
    await within(docker, { ...volume, image }, mounts, abort, async (helper) => {
      await task((await helper.getArchive({ path: `${INSIDE}/${of.file}`, ...abort })) as Readable)
    })
  }

  /** Makes the volume anew, and undoes that where its filling fails. */
  async function made({ name, labels, owner }: NewInputVolume, abort: Abort, fill: () => Promise<void>): Promise<void> {
    checkName(name)
    await remove(name, abort)
    await docker.createVolume({ Name: name, Driver: 'local', Labels: { ...labels, [ownerLabel]: owner }, ...abort })
    try {
      await fill()
    } catch (error) {
      await remove(name, {}).catch(() => undefined) // why it failed says more
      throw error
    }
  }

  async function remove(name: string, abort: Abort): Promise<void> {
    try {
      await docker.getVolume(name).remove(abort)
    } catch (error) {
      if (statusOf(error) !== 404) throw error
    }
  }

  return {
    has: (name, value, { signal } = {}) =>
      askEngine(`looking for the volume ${name}`, signal, async (abort) => {
        checkName(name)
        try {
          return (await docker.getVolume(name).inspect(abort)).Labels?.[inputLabel] === value
        } catch (error) {
          if (statusOf(error) === 404) return false
          throw error
        }
      }),

    fill: (volume, tar, { signal } = {}) =>
      carried(tar, signal, async (until) => {
        await askEngine(`filling the volume ${volume.name}`, until, async (abort) => {
          await made(volume, abort, async () => {
            const mounts = [{ name: volume.name, at: INSIDE, readOnly: false }]
            await within(docker, volume, mounts, abort, async (container) => {
              await container.putArchive(tar, { path: '/', ...abort })
            })
          })
        })
      }),

    copy: (from, volume, { signal } = {}) =>
      askEngine(`copying the volume ${from}`, signal, async (abort) => {
        const mountsOf = (name: string, readOnly: boolean) => [{ name, at: INSIDE, readOnly }]
        // Two: what an engine writes into a container waits for the end of what it reads out of it.
        const source = { ...volume, helper: `${volume.helper}-from` }
        await made(volume, abort, async () => {
          await within(docker, source, mountsOf(from, true), abort, async (reader) => {
            await within(docker, volume, mountsOf(volume.name, false), abort, async (writer) => {
              const tar = (await reader.getArchive({ path: INSIDE, ...abort })) as Readable
              await carried(tar, signal, async (until) => await putInto(writer, tar, until))
            })
          })
        })
      }),

    put: (volume, file, { container: name, path }, { signal } = {}) =>
      askEngine(`putting ${path} into ${name}`, signal, async (abort) => {
        await withFile(volume, { file, container: name }, abort, async (tar) => {
          const renamed = renamedTo(tar, path.slice(1))
          await carried(renamed, signal, async (until) => await putInto(docker.getContainer(name), renamed, until))
        })
      }),

    read: (volume, file, { container: name, sink }, { signal } = {}) =>
      askEngine(`reading the volume ${volume.name}`, signal, async (abort) => {
        await withFile(volume, { file, container: name }, abort, async (tar) => await pipeInto(tar, sink))
      }),

    stdin: async (name, options = {}) => await openStandardInput(docker, name, options),

    pathOf: (name, file, { signal } = {}) =>
      askEngine(`looking for the volume ${name}`, signal, async (abort) => {
        checkName(name)
        return `${(await docker.getVolume(name).inspect(abort)).Mountpoint}/${file}`
      }),
  }
}

/** With a container that has these volumes; it is gone afterwards. */
async function within<T>(
  docker: Docker,
  { helper, image, owner }: Pick<NewInputVolume, 'helper' | 'image' | 'owner'>,
  mounts: { name: string; at: string; readOnly: boolean }[],
  abort: Abort,
  task: (container: Docker.Container) => Promise<T>,
): Promise<T> {
  checkName(helper)
  // One that an earlier try left.
  await removeContainer(docker.getContainer(helper), abort)
  const container = await docker.createContainer({
    ...{ name: helper, Image: image, Entrypoint: ['none'], Cmd: [], Labels: { [ownerLabel]: owner } },
    HostConfig: {
      NetworkMode: 'none',
      Mounts: mounts.map(({ name, at, readOnly }) => ({
        ...{ Type: 'volume' as const, Source: name, Target: at, ReadOnly: readOnly },
        VolumeOptions: { NoCopy: true },
      })),
    },
    ...abort,
    // Its types want options of volumes that engines leave out.
  } as unknown as Docker.ContainerCreateOptions)
  try {
    return await task(container)
  } finally {
    await removeContainer(container, {})
  }
}

/** Runs what reads a stream to its end; where the stream breaks, that is why. The engine would wait for its end for ever. */
async function carried(
  stream: Readable,
  signal: AbortSignal | undefined,
  task: (until: AbortSignal | undefined) => Promise<void>,
): Promise<void> {
  const broken = new AbortController()
  stream.once('error', (error) => broken.abort(error))
  const until = signal === undefined ? broken.signal : AbortSignal.any([signal, broken.signal])
  try {
    await task(until)
  } finally {
    stream.destroy()
  }
}

/** Writes the one file of an archive. */
async function pipeInto(tar: Readable, sink: Writable): Promise<void> {
  const unpack = extract()
  async function pass(): Promise<void> {
    for await (const entry of unpack) await pipeline(entry, sink)
  }
  await Promise.all([pipeline(tar, unpack), pass()])
}

async function putInto(container: Docker.Container, tar: Readable, until: AbortSignal | undefined): Promise<void> {
  await container.putArchive(tar, { path: '/', ...(until === undefined ? {} : { abortSignal: until }) })
}

/** The engine's own archive of one file, under another name. */
function renamedTo(tar: Readable, name: string): Readable {
  const unpack = extract()
  async function pass(out: Pack): Promise<void> {
    for await (const entry of unpack) {
      const { type, size = 0, mode = 0o644, uid = 0, gid = 0, mtime } = entry.header
      const times = mtime === undefined ? {} : { mtime }
      const sink = out.entry({ name, type, size, uid, gid, mode: tarMode(mode), ...times })
      await pipeline(entry, sink)
    }
  }
  return tarOf(async (out) => await Promise.all([pipeline(tar, unpack), pass(out)]))
}
