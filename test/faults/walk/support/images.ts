/** Rows about images: what a registry answers, and what it gives. */

import type { JobSubmission } from '../../../../protocol/job-spec.ts'
import type { SellerInit } from '../../../integration/support/market.ts'
import {
  type HostileImage,
  type HostileRegistry,
  layerOf,
  refuse,
  unclearLayer,
  zerosLayer,
} from '../../../support/hostile-registry.ts'
import { knowing, openNode, type Way, type Ways } from './stage.ts'

const GIB = 2 ** 30

/** Sellers that go to this registry: with room for its small images, and with little patience. */
export function imageSellers({ host }: HostileRegistry): SellerInit {
  return {
    allowRegistries: [host],
    pullTimes: { pauseMs: 5_000, leastRate: 128 * 1024 },
    around: (engine) => ({
      ...engine,
      pull: async (request, options) => await engine.pull({ ...request, room: async () => 4 * GIB }, options),
    }),
  }
}

function answering(status: number, code: string, tagsStatus = status, tagsCode = code): HostileImage {
  return {
    answer(_request, response, { kind }) {
      if (kind === 'tags') refuse(response, tagsStatus, tagsCode)
      else refuse(response, status, code)
      return true
    },
  }
}

function declaring(size: number): HostileImage {
  return { manifest: (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size })) }) }
}

/** A layer of which a byte comes now and then. */
async function trickling(): Promise<HostileImage> {
  const layer = await layerOf()
  return {
    layers: [layer],
    answer(_request, response, { kind }) {
      if (kind !== 'layer') return false
      let at = 0
      const timer = setInterval(() => response.write(layer.bytes.subarray(at, ++at)), 200)
      response.on('close', () => clearInterval(timer))
      return true
    },
  }
}

/** @param registry where the images are, once it has been started */
export function imageWays(registry: () => HostileRegistry): Ways {
  let offered = 0
  function offer(how: string, image: HostileImage | (() => Promise<HostileImage>)): Way {
    return {
      how,
      async bring({ run }) {
        offered += 1
        const reference = registry().offer(`walk-${offered}`, typeof image === 'function' ? await image() : image)
        return await run('', { image: reference })
      },
    }
  }
  function named(how: string, image: () => string, changes: Partial<JobSubmission> = {}): Way {
    return { how, bring: async ({ run }) => await run('', { image: image(), ...changes }) }
  }
  const other = process.arch === 'arm64' ? 'amd64' : 'arm64'

  return {
    IMAGE_PULL_ERROR: offer('a layer that the engine does not take, and does not say why', async () => ({
      layers: [await unclearLayer()],
    })),
    'IMAGE_PULL_ERROR not-found': offer('a registry that does not say what is missing', answering(404, 'NOT_SAID')),
    'IMAGE_PULL_ERROR repository-not-found': named('a name that the registry does not have', () => {
      return `${registry().host}/nobody/has/this:1`
    }),
    'IMAGE_PULL_ERROR tag-not-found': offer('a tag that is not among those', answering(404, 'MANIFEST_UNKNOWN', 200)),
    'IMAGE_PULL_ERROR unauthorized': offer('a registry that forbids it', answering(403, 'DENIED')),
    'IMAGE_PULL_ERROR invalid-reference': named('an image by its id', () => `sha256:${'a'.repeat(64)}`),
    'IMAGE_PULL_ERROR never-present': named('no pull, of what nobody has', () => `${registry().host}/never:1`, {
      imagePullPolicy: 'Never',
    }),
    'IMAGE_PULL_ERROR rate-limited': offer('a registry that has given enough', answering(429, 'TOOMANYREQUESTS')),
    'IMAGE_PULL_ERROR registry-unreachable': offer('a registry that is broken', answering(500, 'UNKNOWN')),
    'IMAGE_PULL_ERROR wrong-architecture': offer('an image for other processors', {
      manifest: (one) => ({
        schemaVersion: 2,
        manifests: [{ ...one.config, platform: { os: 'linux', architecture: other } }],
      }),
    }),
    'IMAGE_PULL_ERROR no-such-platform': {
      how: 'a platform that the image is not for, as its registry told whoever asks',
      async bring(stage) {
        const { node } = await openNode(stage.market, 'asks registries', { allowRegistries: [registry().host] })
        await knowing(node, stage.market.sellers)
        const image = registry().offer('walk-platform', {})
        const { id } = await stage.submit({ ...stage.job('true'), image, platform: 'plan9/amd64' }, node)
        return { job: await stage.ended(id, node), node }
      },
    },
    'IMAGE_PULL_ERROR no-space': offer('an image for which the machine has no room', declaring(20 * GIB)),
    'IMAGE_PULL_ERROR registry-not-allowed': named('a registry inside', () => 'localhost:1/inside:1'),
    'IMAGE_PULL_ERROR registry-too-slow': offer('a registry that sends a byte now and then', trickling),
    'IMAGE_PULL_ERROR image-too-large': offer('an image of half a terabyte', declaring(2 ** 39)),
    'IMAGE_PULL_ERROR image-bomb': offer('3 MiB of zeros that are packed twice', async () => ({
      layers: [await zerosLayer(GIB)],
    })),
    'IMAGE_PULL_ERROR invalid-image': offer('a manifest that is none', { manifest: () => 7 }),
  }
}
