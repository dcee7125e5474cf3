import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Docker from 'dockerode'
import { type ContainerEngine, EngineError, type PullRequest } from '../../../provider-agent/engine/index.ts'
import { mirroredRepository, withMirrors } from '../../../provider-agent/engine/mirrors.ts'
import { parseReference } from '../../../provider-agent/engine/reference.ts'

const MIRRORS = { 'docker.io': 'mirror.lan:5000/hub', 'ghcr.io': 'mirror.lan:5000' }
const DIGEST = `sha256:${'a'.repeat(64)}`

/** A pull that fails with these reasons for these images, and remembers what it was asked. */
function pulling(failures: Record<string, string> = {}) {
  const asked: string[] = []
  const tagged: string[] = []
  const pull: ContainerEngine['pull'] = async ({ image, policy }) => {
    asked.push(`${policy} ${image}`)
    const reason = failures[`${policy} ${image}`]
    if (reason !== undefined) throw new EngineError('IMAGE_PULL_ERROR', reason, { reason })
    const fetched = policy === 'Always' ? { isNew: true, names: [image], replaced: null } : null
    return { imageId: 'sha256:1', repoDigest: `mirror.lan:5000/hub/library/busybox@${DIGEST}`, fetched }
  }
  const docker = new Docker()
  docker.getImage = (name) =>
    ({
      inspect: async () => await Promise.reject(Object.assign(new Error('no such image'), { statusCode: 404 })),
      tag: async ({ repo, tag }: { repo: string; tag: string }) => void tagged.push(`${name} ${repo}:${tag}`),
    }) as never
  const run = withMirrors(docker, pull, MIRRORS)
  return {
    asked,
    tagged,
    run: async (more: Partial<PullRequest> = {}) => await run({ image: 'busybox', policy: 'Always', ...more }),
  }
}

describe('registry mirrors', () => {
  const cases: [image: string, repository: string | null][] = [
    ['busybox', 'mirror.lan:5000/hub/library/busybox'],
    ['owner/name:1', 'mirror.lan:5000/hub/owner/name'],
    ['docker.io/library/busybox', 'mirror.lan:5000/hub/library/busybox'],
    ['ghcr.io/owner/name', 'mirror.lan:5000/owner/name'],
    ['quay.io/owner/name', null],
    ['localhost/name', null],
    [`busybox@${DIGEST}`, null],
  ]
  for (const [image, repository] of cases) {
    it(`${image} is at ${repository}`, () => {
      assert.equal(mirroredRepository(parseReference(image), MIRRORS), repository)
    })
  }

  it('are asked first, and the image gets its own name and digest', async () => {
    const { run, asked, tagged } = pulling()
    const names = ['mirror.lan:5000/hub/library/busybox:latest', 'busybox:latest']
    const fetched = { isNew: true, names, replaced: null }
    assert.deepEqual(await run(), { imageId: 'sha256:1', repoDigest: `busybox@${DIGEST}`, fetched })
    assert.deepEqual(asked, ['Always mirror.lan:5000/hub/library/busybox:latest', 'Never busybox'])
    assert.deepEqual(tagged, ['mirror.lan:5000/hub/library/busybox:latest busybox:latest'])
  })

  it('are not asked for what is there, nor with somebody’s password', async () => {
    const { run, asked } = pulling()
    await run({ policy: 'IfNotPresent' })
    await run({ policy: 'Never' })
    await run({ credentials: { username: 'a', password: 'b', serverAddress: 'docker.io' } })
    assert.deepEqual(asked, ['Never busybox', 'Never busybox', 'Always busybox'])
  })

  for (const reason of ['registry-unreachable', 'not-found', 'unauthorized']) {
    it(`that fail with ${reason} leave it to the registry`, async () => {
      const { run, asked } = pulling({
        'Never busybox': 'never-present',
        'Always mirror.lan:5000/hub/library/busybox:latest': reason,
      })
      await run({ policy: 'IfNotPresent' })
      assert.equal(asked.at(-1), 'IfNotPresent busybox')
    })
  }

  it('do not hide a full disk', async () => {
    const { run } = pulling({ 'Always mirror.lan:5000/hub/library/busybox:latest': 'no-space' })
    await assert.rejects(run(), { details: { reason: 'no-space' } })
  })
})
