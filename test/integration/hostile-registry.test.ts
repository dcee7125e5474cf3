/** Registries that mean harm, a service inside that nobody is to reach, and a real engine. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { digestOf } from '../../node/registry/manifest.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { type ContainerEngine, EngineError, type PullRequest } from '../../provider-agent/engine/index.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { closeAll } from '../support/close-all.ts'
import {
  brokenLayer,
  type HostileImage,
  type HostileRegistry,
  layerOf,
  refuse,
  startHostileRegistry,
  unclearLayer,
  zerosLayer,
} from '../support/hostile-registry.ts'
import { pulledNames, removePulled } from './support/pulled-images.ts'

type Answer = NonNullable<HostileImage['answer']>

const SECRET = 'a token of the machine'
const GIB = 2 ** 30
/** Short, so that a test need not wait for it. */
const PATIENCE = { pauseMs: 3_000, leastRate: 128 * 1024 }

describe('a hostile registry', () => {
  let handle: EngineHandle
  let docker: Docker
  let engine: ContainerEngine
  let registry: HostileRegistry
  /** In the provider's network; the owner allows the registry, and not this. */
  let inside: Server
  let insideUrl = ''
  let visits = 0
  let count = 0

  before(async () => {
    handle = await ensureEngine()
    docker = new Docker({ socketPath: handle.socketPath })
    registry = await startHostileRegistry()
    engine = createDockerEngine({ docker }, { allowRegistries: [registry.host] })
    inside = createServer((_request, response) => {
      visits += 1
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ token: SECRET, AccessKeyId: SECRET }))
    })
    inside.on('connection', () => {
      visits += 1
    })
    inside.listen(0, '127.0.0.1')
    await once(inside, 'listening')
    insideUrl = `http://127.0.0.1:${(inside.address() as AddressInfo).port}`
  })
  after(async () => {
    await closeAll(
      async () => await removePulled(docker, registry.host),
      () => inside?.close(),
      () => inside?.closeAllConnections(),
      async () => await registry?.close(),
      async () => await handle?.stop(),
    )
  })

  async function refused(image: HostileImage, request: Partial<PullRequest> = {}, by = engine): Promise<string> {
    count += 1
    const reference = registry.offer(`case-${count}`, image)
    const error = await by.pull({ image: reference, policy: 'IfNotPresent', ...request }).then(
      () => assert.fail('it was pulled'),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof EngineError && error.code === 'IMAGE_PULL_ERROR', String(error))
    const told = `${error.told} ${error.message} ${JSON.stringify(error.details)}`
    assert.doesNotMatch(told, /token|words of|169\.254|Unauthorized/)
    assert.ok(!told.includes(insideUrl.slice('http://'.length)), told)
    assert.deepEqual(await pulledNames(docker, new RegExp(`/case-${count}:`)), [], 'nothing is left')
    return String(error.details.reason)
  }

  function redirect(to: string, kind: string, status = 307): Answer {
    return (_request, response, what) => {
      if (what.kind !== kind) return false
      response.writeHead(status, { location: to }).end()
      return true
    }
  }

  const bearer = (realm: string) => (response: ServerResponse) => {
    response.setHeader('www-authenticate', `Bearer realm="${realm}",service="r",scope="s"`)
    refuse(response, 401, 'UNAUTHORIZED')
  }

  const places: [what: string, url: () => string][] = [
    ['a service on loopback', () => `${insideUrl}/secret`],
    ['the same by another spelling', () => insideUrl.replace('127.0.0.1', '127.1')],
    ['the same by its number', () => insideUrl.replace('127.0.0.1', '2130706433')],
    ['the same by its name', () => insideUrl.replace('127.0.0.1', 'localhost')],
    ['the same in IPv6', () => insideUrl.replace('127.0.0.1', '[::ffff:127.0.0.1]')],
    ['the same with TLS', () => insideUrl.replace('http:', 'https:')],
    ['the metadata service', () => 'http://169.254.169.254/latest/meta-data/'],
    ['the metadata service with TLS', () => 'https://169.254.169.254/latest/meta-data/'],
    ['Azure’s', () => 'https://168.63.129.16/'],
    ['the LAN', () => 'https://192.168.1.1/'],
    ['a public address without TLS', () => 'http://1.1.1.1/'],
  ]
  for (const [what, url] of places) {
    for (const kind of ['manifest', 'config', 'layer']) {
      it(`entry 4: leads its ${kind} to ${what}: not followed`, async () => {
        assert.equal(await refused({ answer: redirect(url(), kind) }), 'registry-not-allowed')
        assert.equal(visits, 0)
      })
    }
    it(`entry 4: leads who wants a token to ${what}: not asked`, async () => {
      const challenge = bearer(url())
      const answer: Answer = (_request, response) => {
        challenge(response)
        return true
      }
      const credentials = { username: 'u', password: 'p', serverAddress: registry.host }
      assert.equal(await refused({ answer }), 'registry-not-allowed')
      assert.equal(await refused({ answer }, { credentials }), 'registry-not-allowed')
      assert.equal(visits, 0)
      assert.ok(!registry.authorizations.some((sent) => sent?.includes(SECRET)), 'nothing is sent on')
    })
  }

  it('entry 4: is refused itself where its owner does not allow it, by whatever name', async () => {
    const strict = createDockerEngine({ docker })
    const port = registry.host.split(':')[1]
    for (const host of [registry.host, `localhost:${port}`, `127.1:${port}`, `2130706433.:${port}`.replace('.', '')]) {
      const { details } = await strict.pull({ image: `${host}/a:1`, policy: 'Always' }).catch((error) => error)
      assert.match(String(details.reason), /registry-not-allowed|registry-unreachable|invalid-reference/, host)
    }
  })

  const answers: [what: string, status: number, reason: string][] = [
    ['entry 26: says that it gives no more', 429, 'rate-limited'],
    ['is broken', 500, 'registry-unreachable'],
    ['is away behind its proxy', 502, 'registry-unreachable'],
    ['forbids it', 403, 'unauthorized'],
    ['knows nothing', 418, 'registry-unreachable'],
    ['leads nowhere', 302, 'registry-unreachable'],
  ]
  for (const [what, status, reason] of answers) {
    it(`${what}: ${reason}`, async () => {
      const answer: Answer = (_request, response) => {
        refuse(response, status, 'DENIED')
        return true
      }
      assert.equal(await refused({ answer }), reason)
    })
  }

  it('leads round and round: not followed for ever', async () => {
    const answer: Answer = (request, response) => {
      response.writeHead(302, { location: request.url }).end()
      return true
    }
    assert.equal(await refused({ answer }), 'registry-unreachable')
  })

  const endless: Answer = (request, response, { kind }) => {
    if (kind !== 'manifest') return false
    if (request.method === 'HEAD') {
      response.end()
      return true
    }
    const piece = Buffer.alloc(64 * 1024, 0x20)
    const more = (): void => void (response.destroyed || (response.write(piece) ? setImmediate(more) : undefined))
    response.on('drain', more)
    more()
    return true
  }
  it('has a manifest without end: read no further than manifests are long', async () => {
    assert.equal(await refused({ answer: endless }), 'invalid-image')
  })

  const manifests: [what: string, change: NonNullable<HostileImage['manifest']>, reason?: string][] = [
    ['is no object', () => 7],
    ['is an image of the first form', () => ({ schemaVersion: 1, fsLayers: [] })],
    ['has a digest of another kind', (one) => ({ ...one, config: { ...one.config, digest: 'sha512:aa' } })],
    ['has a path for a digest', (one) => ({ ...one, config: { ...one.config, digest: '../../etc/passwd' } })],
    ['has a negative size', (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size: -1 })) })],
    ['has fewer layers than its configuration', (one) => ({ ...one, layers: [] })],
    ['has too many layers', (one) => ({ ...one, layers: Array(128).fill(one.layers[0]) })],
    ['says less than a layer is', (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size: 9 })) })],
    [
      'says more than a layer is',
      (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size: 9_999 })) }),
    ],
    [
      'entry 6: is larger than the disk',
      (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size: 2 ** 39 })) }),
      'image-too-large',
    ],
    [
      'entry 6: is larger than there is room for',
      (one) => ({ ...one, layers: one.layers.map((layer) => ({ ...layer, size: 20 * GIB })) }),
      'no-space',
    ],
    ['is an index of nothing', () => ({ schemaVersion: 2, manifests: [] })],
    [
      'is an index without this machine',
      ({ config }) => ({
        schemaVersion: 2,
        manifests: [{ ...config, platform: { os: 'linux', architecture: 's390x' } }],
      }),
      'wrong-architecture',
    ],
  ]
  for (const [what, manifest, reason = 'invalid-image'] of manifests) {
    it(`has a manifest that ${what}: ${reason}`, async () => {
      const before = registry.asked.length
      assert.equal(await refused({ manifest }, { room: async () => GIB }), reason)
      if (!what.startsWith('entry 6')) return
      const layer = digestOf((await layerOf(`case-${count}`)).bytes)
      assert.ok(!registry.asked.slice(before).some((path) => path.endsWith(layer)), 'no layer was asked for')
    })
  }

  const configs: [what: string, config: object][] = [
    ['names a user by a number', { config: { User: 5 } }],
    ['has an environment without a name', { config: { Env: ['A', '=b'] } }],
    ['was made at no time', { created: 'yesterday' }],
  ]
  for (const [what, config] of configs) {
    it(`entry 10: has a configuration that ${what}: the image’s fault`, async () => {
      assert.equal(await refused({ config }), 'invalid-image')
    })
  }

  it('entry 10: has a layer that no engine unpacks: the image’s fault; one that this engine does not, the place’s', async () => {
    assert.equal(await refused({ layers: [await brokenLayer()] }), 'invalid-image')
    assert.equal(await refused({ layers: [await unclearLayer()] }), 'unknown')
  })

  it('entry 6: has 3 MiB that unpack to 3 GiB: refused while they come, and no image is made of it', async () => {
    const bomb = await zerosLayer(GIB)
    assert.equal(await refused({ layers: [bomb] }), 'image-bomb')
    // Without what no honest image has, but with less room than it takes.
    const half = await zerosLayer(GIB / 4)
    assert.equal(await refused({ layers: [half] }, { room: async () => GIB / 8 }), 'no-space')
    const large = createDockerEngine({ docker }, { allowRegistries: [registry.host], maxImageBytes: GIB / 8 })
    const image = registry.offer('large', { layers: [half] })
    await assert.rejects(large.pull({ image, policy: 'Always' }), { details: { reason: 'image-too-large', image } })
    assert.deepEqual(await pulledNames(docker, /\/large:/), [])
  })

  it('sends something else than the digests say', async () => {
    const { bytes, diffId } = await layerOf()
    const other: Answer = (_request, response, { kind }) => {
      if (kind !== 'layer') return false
      response.end(Buffer.alloc(bytes.length, 1))
      return true
    }
    assert.equal(await refused({ layers: [{ bytes, diffId }], answer: other }), 'invalid-image')
    // What another's layer unpacks to, without its bytes: an engine that has that layer would not look.
    const stolen = await layerOf('of somebody else')
    assert.equal(await refused({ layers: [{ bytes, diffId: stolen.diffId }] }), 'invalid-image')
  })

  it('entry 7: sends a byte a second: given up, and the engine is left nothing', async () => {
    const { bytes, diffId } = await layerOf()
    const answer: Answer = (_request, response, { kind }) => {
      if (kind !== 'layer') return false
      let at = 0
      const timer = setInterval(() => response.write(bytes.subarray(at, ++at)), 200)
      response.on('close', () => clearInterval(timer))
      return true
    }
    const quick = createDockerEngine({ docker }, { allowRegistries: [registry.host], pullTimes: PATIENCE })
    assert.equal(await refused({ layers: [{ bytes, diffId }], answer }, {}, quick), 'registry-too-slow')
  })

  for (const slow of ['manifest', 'config']) {
    it(`entry 7: sends its ${slow} byte by byte: given up, and told to be too slow`, async () => {
      const answer: Answer = ({ method }, response, { kind }) => {
        if (kind !== slow || method === 'HEAD') return false
        const timer = setInterval(() => response.write(' '), 100)
        response.on('close', () => clearInterval(timer))
        return true
      }
      const quick = createDockerEngine({ docker }, { allowRegistries: [registry.host], pullTimes: { lookMs: 1_000 } })
      assert.equal(await refused({ answer }, {}, quick), 'registry-too-slow')
    })
  }

  it('entry 7: takes the call and never answers: given up', async () => {
    const quick = createDockerEngine({ docker }, { allowRegistries: [registry.host], pullTimes: { lookMs: 1_000 } })
    const image = registry.offer('silent', { answer: () => true })
    await assert.rejects(quick.pull({ image, policy: 'Always' }), { details: { reason: 'registry-too-slow', image } })
  })

  it('breaks off again and again, and is asked for the rest', async () => {
    const layer = await layerOf(Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(Math.random() * 256))))
    let breaks = 0
    const answer: Answer = (request, response, { kind }) => {
      if (kind !== 'layer' || breaks === 3) return false
      breaks += 1
      const from = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
      response.statusCode = from === 0 ? 200 : 206
      response.setHeader('content-length', layer.bytes.length - from)
      response.write(layer.bytes.subarray(from, from + 70_000), () => response.destroy())
      return true
    }
    const image = registry.offer('breaks', { layers: [layer], answer })
    const { names } = await engine.pull({ image, policy: 'Always' })
    assert.equal(breaks, 3)
    assert.equal((await pulledNames(docker, /\/breaks:/)).join(), names.join())
  })

  it('gives the engine only the layers that it has not, of an image from the same place', async () => {
    const base = await layerOf('the base')
    const layers = async (text: string) => [base, await layerOf(text)]
    await engine.pull({ image: registry.offer('shared', { layers: await layers('one') }), policy: 'Always' })
    const before = registry.asked.length
    const second = await engine.pull({
      image: registry.offer('shared', { layers: await layers('two') }),
      policy: 'Always',
    })
    assert.ok(!registry.asked.slice(before).some((path) => path.endsWith(digestOf(base.bytes))))
    const { RootFS: root } = await docker.getImage(second.imageId).inspect()
    assert.equal(root?.Layers?.[0], base.diffId)
  })
})
