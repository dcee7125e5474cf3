import type Docker from 'dockerode'
import { orAborted } from '../../../node/abort.ts'
import type { Clock } from '../../../node/clock.ts'
import { deadline } from '../../../node/deadline.ts'
import type { RegistryAccess } from '../../../node/registry/access.ts'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { digestOf, type Layer, readConfig, readManifest } from '../../../node/registry/manifest.ts'
import { openRegistrySession, type RegistrySession } from '../../../node/registry/session.ts'
import { MAX_IMAGE_CONFIG_BYTES } from '../../../protocol/limits.ts'
import type { ArchivedImage } from '../../images/archive.ts'
import type { Grant } from '../../images/grants.ts'
import { type LayerTransfer, readLayer } from '../../images/layer-source.ts'
import { createPatience, type PatienceInit } from '../../images/patience.ts'
import type { AbortOptions, PullRequest } from '../index.ts'
import type { ImageRoom } from './image-room.ts'
import { LoadError, loadImage } from './load-image.ts'
import { createSharedLayers } from './shared-layers.ts'
import type { PullProgress } from './shared-pulls.ts'

/** What {@link createTransfer} works with. */
export interface TransferComponents {
  docker: Docker
  clock: Clock
  access: RegistryAccess
  /** Docker's name of the engine's architecture, and whether it takes an image without the layers that it has. */
  engine: (options: AbortOptions) => Promise<{ architecture: string; sharesLayers: boolean }>
  /** Of all images that come. */
  rooms: ImageRoom
  /** Bytes that images may take now, where a request does not say. */
  room: () => Promise<number>
}

/** How long registries are waited for. */
export interface PullTimes extends PatienceInit {
  /** What a registry may take to say what an image is, in ms. Range 100..600_000. */
  lookMs: number
  /** What an image may take to come, beside what its bytes take at {@link MEAN_RATE}, in ms. Range 100..3_600_000. */
  baseMs: number
}

/** An image that is to come. */
export interface Wanted {
  /** Requests with the same key may share it. */
  key: string
  /** What it is called on the engine. */
  name: string
  grant: Grant
  request: PullRequest
  /** That will do, the best first. */
  platforms: readonly string[]
}

interface Described {
  config: { digest: string; bytes: Buffer }
  layers: Layer[]
  /** Digests of the unpacked layers. */
  diffIds: string[]
}

/** Bytes a second. */
const MEAN_RATE = 2 ** 20
/** How long the engine may take to unpack what it has, in ms. */
const UNPACK_MS = 600_000

/** Brings images from their registries into the engine. */
export function createTransfer(components: TransferComponents, times: PullTimes) {
  const { docker, clock, access, rooms } = components
  const { lookMs, baseMs, ...patienceInit } = times
  const shared = createSharedLayers(docker)

  function openSession({ grant, request }: Wanted, signal: AbortSignal): RegistrySession {
    return openRegistrySession(access, grant.from, request.credentials, signal)
  }

  /** @param had how many of its layers the engine has already */
  async function send(
    wanted: Wanted,
    image: Described,
    had: number,
    signal: AbortSignal,
    onProgress: (progress: PullProgress) => void,
  ): Promise<void> {
    const bytesTotal = image.layers.slice(had).reduce((sum, { size }) => sum + size, 0)
    const { room = components.room } = wanted.request
    const check = rooms.take(wanted.key, bytesTotal, await room())
    check(bytesTotal)
    const comingMs = baseMs + (bytesTotal * 1000) / MEAN_RATE
    const limit = deadline(clock, comingMs, signal)
    const unpacking = deadline(clock, comingMs + UNPACK_MS)
    const progress = (layersDone: number, bytesDone: number): void =>
      onProgress({ layersDone, layersTotal: image.layers.length, bytesDone, bytesTotal })
    progress(had, 0)
    const source = {
      session: openSession(wanted, limit.signal),
      patience: createPatience(clock, patienceInit),
      signal: limit.signal,
    }
    const layers = arriving(image, had, source, check, progress)
    try {
      const loading = loadImage(docker, { name: wanted.name, config: image.config, layers }, limit.signal)
      await orAborted(loading, unpacking.signal)
      progress(image.layers.length, bytesTotal)
    } catch (error) {
      signal.throwIfAborted()
      if (!limit.signal.aborted || error instanceof RegistryFailure) throw error
      throw new RegistryFailure('registry-too-slow', 'the image did not come in time', { cause: error })
    } finally {
      limit.clear()
      unpacking.clear()
    }
  }

  return async (wanted: Wanted, signal: AbortSignal, onProgress: (progress: PullProgress) => void): Promise<void> => {
    const { sharesLayers } = await components.engine({ signal })
    const look = deadline(clock, lookMs, signal)
    const described = describe(openSession(wanted, look.signal), wanted)
    const image = await described.finally(look.clear)
    const had = sharesLayers ? await shared.count(image.diffIds, wanted.grant.repository, signal) : 0
    try {
      await send(wanted, image, had, signal, onProgress)
    } catch (error) {
      // What it would have shared has gone meanwhile.
      if (had === 0 || !(error instanceof LoadError) || !/no such file/i.test(error.message)) throw error
      await send(wanted, image, 0, signal, onProgress)
    } finally {
      rooms.giveBack(wanted.key)
    }
  }
}

/**
 * The layers of an image, those that come with their content.
 * @param check called with what the image takes unpacked so far, in bytes; throws where that is too much
 * @param progress called with how many layers are there, and how many bytes came
 */
function arriving(
  { layers, diffIds }: Described,
  had: number,
  source: Pick<LayerTransfer, 'session' | 'patience' | 'signal'>,
  check: (unpacked: number) => void,
  progress: (layersDone: number, bytesDone: number) => void,
): ArchivedImage['layers'] {
  let unpackedBefore = 0
  let bytesBefore = 0
  const content = (layer: Layer, i: number) =>
    async function* () {
      let unpacked = 0
      yield* readLayer(
        { ...layer, diffId: diffIds[i] ?? '' },
        {
          ...source,
          onBytes: (bytes) => progress(i, bytesBefore + bytes),
          onUnpacked(bytes) {
            unpacked = bytes
            check(unpackedBefore + bytes)
          },
        },
      )
      unpackedBefore += unpacked
      bytesBefore += layer.size
    }
  return layers.map((layer, i) => ({ size: layer.size, content: i < had ? null : content(layer, i) }))
}

/** What the image is made of. @throws {RegistryFailure} */
async function describe(session: RegistrySession, { grant, platforms }: Wanted): Promise<Described> {
  let manifest = readManifest((await session.manifest(grant.digest)).bytes, platforms)
  if (manifest.kind === 'index') {
    manifest = readManifest((await session.manifest(manifest.digest)).bytes, platforms)
    if (manifest.kind === 'index') throw new RegistryFailure('invalid-image', 'an index lists an index')
  }
  const { config, layers } = manifest
  const bytes = await session.blob(config.digest, MAX_IMAGE_CONFIG_BYTES)
  return { config: { digest: digestOf(bytes), bytes }, layers, diffIds: readConfig(bytes, layers.length, platforms) }
}
