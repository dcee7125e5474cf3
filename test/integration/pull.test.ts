import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import type { ContainerEngine, PullRequest } from '../../provider-agent/engine/index.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { startRegistry, type TestImage, type TestRegistry } from '../support/registry.ts'
import { pulledNames, removePulled } from './support/pulled-images.ts'

type Progress = Parameters<NonNullable<PullRequest['onProgress']>>[0]

/** Pulls for a real engine, from a registry of ours on loopback, which is asked without TLS. */
describe('pulling', () => {
  let handle: EngineHandle
  let docker: Docker
  let engine: ContainerEngine
  let registry: TestRegistry

  before(async () => {
    handle = await ensureEngine()
    docker = new Docker({ socketPath: handle.socketPath })
    registry = await startRegistry()
    engine = createDockerEngine({ docker }, { allowRegistries: [registry.host, '127.0.0.1:1'] })
  })
  after(async () => {
    await closeAll(
      async () => await removePulled(docker, registry.host),
      async () => await registry?.close(),
      async () => await handle?.stop(),
    )
  })

  async function offer(repository: string, image: TestImage = {}): Promise<string> {
    return await registry.add(repository, image)
  }

  test('an image is pulled once if that is the policy, and again if that is', async () => {
    const image = await offer('policy')
    const asked = () => registry.count(/policy\/manifests/)
    await assert.rejects(engine.pull({ image, policy: 'Never' }), {
      code: 'IMAGE_PULL_ERROR',
      details: { reason: 'never-present', image },
    })
    const first = await engine.pull({ image, policy: 'IfNotPresent' })
    assert.match(first.imageId, /^sha256:[0-9a-f]{64}$/)
    assert.match(first.repoDigest ?? '', /^127\.0\.0\.1:\d+\/policy@sha256:[0-9a-f]{64}$/)
    assert.match(first.names.join(), /^cortex-node\/public\/127\.0\.0\.1_\d+\/policy:[0-9a-f]{64}$/)
    const once = asked()
    assert.ok(once > 0)
    assert.deepEqual(await engine.pull({ image, policy: 'IfNotPresent' }), first)
    assert.deepEqual(await engine.pull({ image, policy: 'Never' }), first)
    assert.equal(asked(), once)
    const layers = registry.count(/policy\/blobs/)
    assert.deepEqual(await engine.pull({ image, policy: 'Always' }), first)
    assert.ok(asked() > once)
    assert.equal(registry.count(/policy\/blobs/), layers, 'its bytes are here')
  })

  test('progress ends with all layers and bytes', async () => {
    const seen: Progress[] = []
    await engine.pull({ image: await offer('progress'), policy: 'Always', onProgress: (sums) => seen.push(sums) })
    const last = seen.at(-1)
    assert.deepEqual([last?.layersDone, last?.layersTotal], [1, 1])
    assert.equal(last?.bytesDone, last?.bytesTotal)
  })

  test('concurrent pulls of one image with the same credentials are one', async () => {
    const hold = Promise.withResolvers<void>()
    const image = await offer('shared', { hold: hold.promise })
    const counted = new Docker({ socketPath: handle.socketPath })
    let pulls = 0
    const loadImage = counted.loadImage.bind(counted) as (...args: unknown[]) => Promise<NodeJS.ReadableStream>
    Object.assign(counted, {
      loadImage: (...args: unknown[]) => {
        pulls += 1
        return loadImage(...args)
      },
    })
    const own = createDockerEngine({ docker: counted }, { allowRegistries: [registry.host] })
    const arrived: number[] = []
    const requests = [0, 1, 2].map((i) => own.pull({ image, policy: 'Always', onProgress: () => arrived.push(i) }))
    const credentials = { username: 'u', password: 'p', serverAddress: registry.host }
    const other = own.pull({ image, policy: 'Always', credentials })
    hold.resolve()
    const [first, ...rest] = await Promise.all([...requests, other])
    for (const { imageId } of rest) assert.equal(imageId, first?.imageId)
    assert.deepEqual([...new Set(arrived)].toSorted(), [0, 1, 2])
    assert.equal(pulls, 2)
  })

  test('one that gives up leaves a shared pull to the others', async () => {
    const hold = Promise.withResolvers<void>()
    const image = await offer('given-up', { hold: hold.promise })
    const controller = new AbortController()
    const reason = new Error('enough')
    const started = Promise.withResolvers<void>()
    const staying = engine.pull({ image, policy: 'Always', onProgress: () => started.resolve() })
    const leaving = engine.pull({ image, policy: 'Always' }, { signal: controller.signal })
    await started.promise
    controller.abort(reason)
    await assert.rejects(leaving, reason)
    hold.resolve()
    assert.match((await staying).imageId, /^sha256:/)
  })

  test('when all have given up, the next starts afresh', async () => {
    const hold = Promise.withResolvers<void>()
    const image = await offer('all-given-up', { hold: hold.promise })
    const controller = new AbortController()
    const started = Promise.withResolvers<void>()
    const pull = engine.pull(
      { image, policy: 'Always', onProgress: () => started.resolve() },
      { signal: controller.signal },
    )
    await started.promise
    controller.abort(new Error('enough'))
    await assert.rejects(pull, { message: 'enough' })
    assert.deepEqual(await pulledNames(docker, /all-given-up/), [])
    hold.resolve()
    assert.match((await engine.pull({ image, policy: 'IfNotPresent' })).imageId, /^sha256:/)
  })

  test('credentials open what is private', async () => {
    const credentials = { username: 'user', password: 'secret word' }
    const guarded = await startRegistry(credentials)
    const image = await guarded.add('private', {})
    const own = createDockerEngine({ docker }, { allowRegistries: [guarded.host] })
    const wrong = { ...credentials, password: 'wrong word', serverAddress: guarded.host }
    for (const request of [
      { image, policy: 'Always' as const },
      { image, policy: 'Always' as const, credentials: wrong },
    ]) {
      await assert.rejects(own.pull(request), (error: Error) => {
        assert.deepEqual(
          { ...error },
          { ...error, code: 'IMAGE_PULL_ERROR', details: { reason: 'unauthorized', image } },
        )
        assert.doesNotMatch(`${error.message} ${error.stack}`, /wrong word/)
        return true
      })
    }
    await own.pull({ image, policy: 'Always', credentials: { ...credentials, serverAddress: guarded.host } })
    await removePulled(docker, guarded.host)
    await guarded.close()
  })

  const failures: [string, () => Promise<string>, string][] = [
    ['a repository that there is not', async () => `${registry.host}/nosuch/thing:1`, 'not-found'],
    ['nobody at the address', async () => '127.0.0.1:1/a:1', 'registry-unreachable'],
    ['an image for other machines', () => offer('other-machine', { architecture: 's390x' }), 'wrong-architecture'],
    ['an index without this machine', () => offer('index', { indexOnly: true }), 'wrong-architecture'],
    ['no reference', async () => 'No/Reference', 'invalid-reference'],
  ]
  const local = async () => await ensureBusyboxImage(docker)
  const other = process.arch === 'arm64' ? 'linux/amd64' : 'linux/386'
  const named: [what: string, make: () => Promise<string>, platform: string, mayUseLocal: boolean][] = [
    ['an image that only the owner has', local, other, true],
    ['an image of one platform in a registry', async () => await offer('named-one'), other, false],
    ['an index in a registry', async () => await offer('named-index', { indexOnly: true }), other, false],
    ['a platform that the engine does not run', local, 'plan9/mips', true],
  ]
  for (const [what, make, platform, mayUseLocal] of named) {
    test(`a platform that the job names and that is not there, of ${what}: no-such-platform`, async () => {
      const image = await make()
      const request = { image, policy: 'IfNotPresent' as const, mayUseLocal, platforms: [platform] }
      await assert.rejects(engine.pull(request), { details: { reason: 'wrong-architecture', image } })
      await assert.rejects(engine.pull({ ...request, isPlatformNamed: true }), {
        details: { reason: 'no-such-platform', image },
      })
    })
  }

  for (const [what, make, reason] of failures) {
    test(`${what}: ${reason}`, async () => {
      const image = await make()
      await assert.rejects(engine.pull({ image, policy: 'IfNotPresent' }), (error: Error) => {
        const { code, details } = error as unknown as { code: string; details: { reason: string } }
        assert.deepEqual([code, details.reason], ['IMAGE_PULL_ERROR', reason])
        return true
      })
    })
  }
})
