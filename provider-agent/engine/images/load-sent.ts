/** Makes images of what requesters sent: each layer is counted and checked on its way to the engine, as those of registries are. */

import type Docker from 'dockerode'
import { orAborted } from '../../../node/abort.ts'
import type { Clock } from '../../../node/clock.ts'
import { deadline } from '../../../node/deadline.ts'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { digestOf, isFor, readConfig } from '../../../node/registry/manifest.ts'
import { createKeyedQueue } from '../../../node/store/keyed-queue.ts'
import type { ArchivedImage } from '../../images/archive.ts'
import { createLayerMeter } from '../../images/layer-meter.ts'
import type { ImageInfo, ImageParts, PullRequest } from '../index.ts'
import type { ImageRoom } from './image-room.ts'
import { loadImage } from './load-image.ts'
import { findImage } from './present.ts'

/** How long the engine may take to unpack an image, beside what its bytes take at {@link MEAN_RATE}, in ms. */
const UNPACK_MS = 600_000
/** Bytes a second, from this machine's own disk. */
const MEAN_RATE = 4 * 2 ** 20

/** What {@link createSentLoader} works with. */
export interface SentLoaderComponents {
  docker: Docker
  clock: Clock
  rooms: ImageRoom
  /** Bytes that images may take now, where a request does not say. */
  room: () => Promise<number>
}

/** Who asks for the same image at one time waits for the first, and finds it there. */
export function createSentLoader({ docker, clock, rooms, ...components }: SentLoaderComponents) {
  const queue = createKeyedQueue()

  async function found(name: string, platforms: readonly string[], signal: AbortSignal | undefined) {
    const image = await findImage(docker, name, signal)
    if (image === null) return null
    const { Os: os, Architecture: architecture, Id: id } = image
    if (!isFor({ os, architecture }, platforms)) {
      throw new RegistryFailure('wrong-architecture', `it is for ${os}/${architecture}`)
    }
    const info: ImageInfo = { imageId: id, image: id, repoDigest: null, names: [name] }
    return info
  }

  async function load(name: string, parts: ImageParts, asked: Asked, signal: AbortSignal | undefined): Promise<void> {
    const { config, layers } = parts
    const diffIds = readConfig(config, layers.length, asked.platforms)
    const bytes = layers.reduce((sum, { size }) => sum + size, 0)
    const limit = deadline(clock, UNPACK_MS + (bytes * 1000) / MEAN_RATE, signal)
    try {
      const check = rooms.take(name, bytes, await (asked.room ?? components.room)())
      check(bytes)
      const image = {
        name,
        config: { digest: digestOf(config), bytes: config },
        layers: counted(layers, diffIds, check),
      }
      await orAborted(loadImage(docker, image, limit.signal), limit.signal)
    } finally {
      rooms.giveBack(name)
      limit.clear()
    }
  }

  return async ({ sent, room }: SentRequest, platforms: readonly string[], signal: AbortSignal | undefined) => {
    const { name } = sent
    const task = async (): Promise<ImageInfo> => {
      signal?.throwIfAborted()
      const before = await found(name, platforms, signal)
      if (before !== null) return before
      await load(name, await sent.parts(), room === undefined ? { platforms } : { platforms, room }, signal)
      const image = await found(name, platforms, signal)
      if (image === null) throw new RegistryFailure('unknown', 'it was handed to the engine and is not there')
      return image
    }
    return await orAborted(queue.run(name, task), signal)
  }
}

type SentRequest = Pick<PullRequest, 'room'> & { sent: NonNullable<PullRequest['sent']> }
type Asked = Pick<PullRequest, 'room'> & { platforms: readonly string[] }

/** @param check called with what the image takes unpacked so far, in bytes; throws where that is too much */
function counted(
  layers: ImageParts['layers'],
  diffIds: readonly string[],
  check: (unpacked: number) => void,
): ArchivedImage['layers'] {
  let before = 0
  const content = ({ size, open }: ImageParts['layers'][number], diffId: string) =>
    async function* () {
      let unpacked = 0
      const meter = createLayerMeter({ size, diffId }, (bytes) => {
        unpacked = bytes
        check(before + bytes)
      })
      try {
        for await (const piece of open()) {
          await meter.write(piece)
          yield piece
        }
        await meter.end()
      } finally {
        meter.close()
      }
      before += unpacked
    }
  return layers.map((layer, i) => ({ size: layer.size, content: content(layer, diffIds[i] ?? '') }))
}
