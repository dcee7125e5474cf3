/** What becomes of a pull that cannot work, with Debian's registry and a real engine: each has its own reason and remedy. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { pack } from 'tar-stream'
import { failure } from '../../protocol/failures.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { type ContainerEngine, EngineError, type PullRequest } from '../../provider-agent/engine/index.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { pulledNames, removePulled } from './support/pulled-images.ts'
import { type RealRegistry, registryObstacle, startRealRegistry } from './support/real-registry.ts'

const PASSWORD = 'a secret word'
const obstacle = await registryObstacle()

describe('a private registry', { skip: obstacle ?? false }, () => {
  let handle: EngineHandle
  let docker: Docker
  let engine: ContainerEngine
  let registry: RealRegistry
  let image: string
  let elsewhere: string
  const credentials = { username: 'user', password: PASSWORD }
  const remedies = new Map<string, string>()

  before(async () => {
    handle = await ensureEngine()
    docker = new Docker({ socketPath: handle.socketPath })
    registry = await startRealRegistry({ credentials })
    engine = createDockerEngine({ docker }, { allowRegistries: [registry.host] })
    image = await registry.push(docker, await ensureBusyboxImage(docker), 'team/there')
    elsewhere = await registry.push(docker, await foreignImage(docker), 'team/elsewhere')
  })
  after(async () => {
    await closeAll(
      async () => await registry?.close(),
      async () => {
        const pulled = await pulledNames(docker, new RegExp(`/${registry.host.replace(':', '_')}/`))
        const names = [...pulled, 'cortex/elsewhere:1']
        await Promise.allSettled(names.map((name) => docker.getImage(name).remove({ force: true })))
      },
      async () => await handle?.stop(),
    )
  })

  const login = (password = PASSWORD): Pick<PullRequest, 'credentials'> => ({
    credentials: { username: 'user', password, serverAddress: registry.host },
  })

  /** Pulls what cannot be pulled; answers why. */
  async function refused(request: Partial<PullRequest> & { image: string }): Promise<string> {
    const error = await engine.pull({ policy: 'Always', ...request }).then(
      () => assert.fail(`${request.image} was pulled`),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof EngineError && error.code === 'IMAGE_PULL_ERROR', String(error))
    assert.doesNotMatch(`${error.message} ${error.stack} ${JSON.stringify(error.details)}`, /secret|wrong word/)
    const { reason } = error.details
    remedies.set(String(reason), failure('IMAGE_PULL_ERROR', error.message, error.details).remedy)
    return String(reason)
  }

  it('gives its images to who has the password', async () => {
    const { imageId, repoDigest } = await engine.pull({ image, policy: 'Always', ...login() })
    assert.match(imageId, /^sha256:[0-9a-f]{64}$/)
    assert.ok(repoDigest?.startsWith(`${registry.host}/team/there@sha256:`))
  })

  it('entry 35, entry 50: names the image’s own repository where the engine knows its bytes by others’', async () => {
    const other = await startRealRegistry()
    try {
      const both = createDockerEngine({ docker }, { allowRegistries: [registry.host, other.host] })
      const twin = await other.push(docker, await ensureBusyboxImage(docker), 'a/twin')
      const first = await both.pull({ image: twin, policy: 'IfNotPresent' })
      const second = await both.pull({ image, policy: 'IfNotPresent', ...login() })
      assert.equal(first.imageId, second.imageId, 'the same bytes')
      assert.ok(first.repoDigest?.startsWith(`${other.host}/a/twin@sha256:`), first.repoDigest ?? '')
      assert.ok(second.repoDigest?.startsWith(`${registry.host}/team/there@sha256:`), second.repoDigest ?? '')
    } finally {
      await removePulled(docker, other.host)
      await other.close()
    }
  })

  it('entry 14: does not give to others what one requester has pulled from it', async () => {
    await engine.pull({ image, policy: 'Always', ...login() })
    for (const policy of ['IfNotPresent', 'Never', 'Always'] as const) {
      assert.equal(await refused({ image, policy }), 'unauthorized', policy)
      assert.equal(await refused({ image, policy, ...login('wrong word') }), 'unauthorized', policy)
      const { names } = await engine.pull({ image, policy, ...login() })
      // By the name that it has on the engine, too.
      const byName = await refused({ image: names[0] ?? '', policy, mayUseLocal: true })
      assert.notEqual(byName, 'nothing')
    }
  })

  it('entry 14: lets what only the owner has run where the owner says so', async () => {
    const local = await ensureBusyboxImage(docker)
    const own = await engine.pull({ image: local, policy: 'IfNotPresent', mayUseLocal: true })
    assert.equal(own.imageId, (await docker.getImage(local).inspect()).Id)
    assert.deepEqual(own.names, [], 'nobody but the owner removes it')
    for (const policy of ['IfNotPresent', 'Never'] as const) {
      assert.ok((await refused({ image: local, policy })) !== '', policy)
    }
    // An id is no name that anybody may guess.
    assert.equal(await refused({ image: own.imageId, policy: 'IfNotPresent', mayUseLocal: true }), 'invalid-reference')
  })

  it('entry 15: sends credentials for another registry nowhere', async () => {
    const credentials = { username: 'user', password: PASSWORD, serverAddress: 'registry.example' }
    assert.equal(await refused({ image, credentials }), 'unauthorized')
  })

  it('entry 4: is refused where its owner does not allow a registry inside', async () => {
    const strict = createDockerEngine({ docker })
    for (const credentials of [{}, login()]) {
      await assert.rejects(strict.pull({ image, policy: 'IfNotPresent', ...credentials }), {
        details: { reason: 'registry-not-allowed', image },
      })
    }
  })

  it('tells a wrong name from a wrong tag and a wrong digest', async () => {
    const { host } = registry
    assert.equal(await refused({ image: `${host}/team/nosuch:1`, ...login() }), 'repository-not-found')
    assert.equal(await refused({ image: `${host}/team/there:2`, ...login() }), 'tag-not-found')
    const digest = `sha256:${'ab'.repeat(32)}`
    assert.equal(await refused({ image: `${host}/team/there@${digest}`, ...login() }), 'tag-not-found')
  })

  it('refuses a wrong password, and none', async () => {
    assert.equal(await refused({ image, ...login('wrong word') }), 'unauthorized')
    assert.equal(await refused({ image }), 'unauthorized')
  })

  it('has an image for other machines only', async () => {
    assert.equal(await refused({ image: elsewhere, ...login() }), 'wrong-architecture')
  })

  it('is down', async () => {
    await registry.stop()
    assert.equal(await refused({ image, ...login() }), 'registry-unreachable')
  })

  it('has another remedy for each', () => {
    assert.ok(remedies.size >= 5)
    assert.equal(new Set(remedies.values()).size, remedies.size)
  })
})

/** Gives an engine an image for another machine than this one: as `docker save` writes it. */
async function foreignImage(on: Docker): Promise<string> {
  const layer = pack()
  layer.entry({ name: 'hello' }, `for another machine ${Math.random()}`)
  layer.finalize()
  const tar = await buffer(layer)
  const config = JSON.stringify({
    architecture: process.arch === 's390x' ? 'amd64' : 's390x',
    os: 'linux',
    config: { Cmd: ['/hello'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${createHash('sha256').update(tar).digest('hex')}`] },
  })
  const image = 'cortex/elsewhere:1'
  const saved = pack()
  saved.entry({ name: 'config.json' }, config)
  saved.entry({ name: 'layer.tar' }, tar)
  saved.entry(
    { name: 'manifest.json' },
    JSON.stringify([{ Config: 'config.json', RepoTags: [image], Layers: ['layer.tar'] }]),
  )
  saved.finalize()
  const answer: unknown = await on.loadImage(Readable.from(saved))
  await text(answer as Readable)
  return image
}
