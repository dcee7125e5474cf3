import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createRegistryAccess } from '../../../node/registry/access.ts'
import { createImageResolver } from '../../../node/registry/image-resolver.ts'
import type { RegistryCredentials } from '../../../node/registry/repository.ts'
import { refuse, startHostileRegistry } from '../../support/hostile-registry.ts'
import { startRegistry, type TestRegistry } from '../../support/registry.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const LOGIN = { username: 'me', password: 'pw' }

describe('what a registry says of an image', () => {
  let open: TestRegistry
  let closed: TestRegistry
  before(async () => {
    open = await startRegistry()
    closed = await startRegistry(LOGIN)
  })
  after(async () => await Promise.all([open?.close(), closed?.close()]))

  function resolverOf(allow = [open.host, closed.host], clock = systemClock) {
    const resolver = createImageResolver({ access: createRegistryAccess({ allow }), clock, logger: silentLogger })
    return async (image: string, credentials?: RegistryCredentials) => {
      const found = await resolver.resolve(image, credentials, new AbortController().signal)
      assert.ok(found === null || 'digest' in found)
      return found
    }
  }

  it('is which bytes its name means, and what they are for', async () => {
    const resolve = resolverOf()
    const both = await open.add('both', { platforms: ['linux/amd64', 'linux/arm64/v8', 'linux/arm/v6'] })
    const { bytes = 0, ...found } = (await resolve(both)) ?? {}
    assert.deepEqual(found, {
      digest: open.digest('both'),
      platforms: ['linux/amd64', 'linux/arm64', 'linux/arm/v6'],
    })
    assert.ok(bytes > 0, 'how much of it has to come')
    const one = await open.add('one', { architecture: 's390x' })
    const { bytes: layers = 0, ...alone } = (await resolve(one)) ?? {}
    assert.deepEqual(alone, { digest: open.digest('one'), platforms: ['linux/s390x'] })
    assert.ok(layers > 0)
  })

  it('is told without its size where that takes too long', async () => {
    const clock = createSimClock()
    const asked = Promise.withResolvers<void>()
    const entry = {
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      digest: `sha256:${'0'.repeat(64)}`,
      size: 1,
    }
    const index = { schemaVersion: 2, manifests: [{ ...entry, platform: { os: 'linux', architecture: 'amd64' } }] }
    const slow = createServer((request, response) => {
      // The image itself is not answered.
      if (request.url?.endsWith('0'.repeat(64)) === true) return asked.resolve()
      response.end(JSON.stringify(index))
    })
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve))
    try {
      const host = `127.0.0.1:${(slow.address() as AddressInfo).port}`
      const waiting = resolverOf([host], clock)(`${host}/a:1`)
      await asked.promise
      await clock.advance(1_500)
      const { digest, ...found } = (await waiting) ?? {}
      assert.match(digest ?? '', /^sha256:/)
      assert.deepEqual(found, { platforms: ['linux/amd64'] })
    } finally {
      slow.close()
      slow.closeAllConnections()
    }
  })

  it('is what is wrong with it, where no machine can run any of it', async () => {
    const access = createRegistryAccess({ allow: [open.host] })
    const { resolve } = createImageResolver({ access, clock: systemClock, logger: silentLogger })
    const image = await open.add('nowhere', { platforms: ['unknown/unknown'] })
    const found = await resolve(image, undefined, new AbortController().signal)
    assert.deepEqual(found, { problem: 'the index of the image lists no image for any platform' })
  })

  it('is asked for each name anew, and for each digest once', async () => {
    const resolve = resolverOf()
    const image = await open.add('moving', { platforms: ['linux/amd64'] })
    const first = await resolve(image)
    const asked = open.count(/moving\/manifests\/sha256/)
    assert.deepEqual(await resolve(image), first)
    assert.equal(open.count(/moving\/manifests\/sha256/), asked)
    await open.add('moving', { platforms: ['linux/arm64'] })
    const second = await resolve(image)
    assert.notEqual(second?.digest, first?.digest)
    assert.deepEqual(second?.platforms, ['linux/arm64'])
    assert.deepEqual(await resolve(`${open.host}/moving@${first?.digest}`), first)
    assert.deepEqual(await resolve(`${open.host}/moving:gone@${first?.digest}`), first, 'a digest wins over a tag')
  })

  it('is told to those who may read it', async () => {
    const resolve = resolverOf()
    const image = await closed.add('private', {})
    assert.equal(await resolve(image), null)
    assert.equal(await resolve(image, { ...LOGIN, password: 'other', serverAddress: closed.host }), null)
    assert.equal((await resolve(image, { ...LOGIN, serverAddress: closed.host }))?.digest, closed.digest('private'))
    assert.equal(await resolve(image), null, 'nobody profits from the credentials of others')
  })

  it('is nothing of what it does not have, and of one inside where nobody allows that', async () => {
    assert.equal(await resolverOf()(`${open.host}/no/such:1`), null)
    const image = await open.add('inside', {})
    const visits = open.count(/./)
    assert.equal(await resolverOf([])(image), null)
    assert.equal(open.count(/./), visits)
  })

  it('is not waited for long, and one that does not answer is left alone for a minute', async () => {
    const clock = createSimClock()
    let visits = 0
    const silent = createServer(() => {
      visits += 1
    })
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    try {
      const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`
      const resolve = resolverOf([host], clock)
      const arrived = new Promise((visited) => silent.once('request', visited))
      const waiting = resolve(`${host}/a:1`)
      await arrived
      await clock.advance(2_000)
      assert.equal(await waiting, null)
      assert.equal(await resolve(`${host}/b:1`), null)
      assert.equal(visits, 1)
      const again = new Promise((visited) => silent.once('request', visited))
      await clock.advance(60_000)
      const once = resolve(`${host}/b:1`)
      await again
      await clock.advance(2_000)
      assert.equal(await once, null)
    } finally {
      silent.close()
      silent.closeAllConnections()
    }
  })

  it('entry 14, entry 26: is asked of a registry with credentials though it gives no more to who has none', async () => {
    const rationed = await startHostileRegistry()
    try {
      const resolve = resolverOf([rationed.host], createSimClock())
      const login = (username: string) => ({ username, password: 'pw', serverAddress: rationed.host })
      const shown = (username: string) => `Basic ${Buffer.from(`${username}:pw`).toString('base64')}`
      const image = rationed.offer('rationed', {
        answer: ({ headers }, response) => {
          if (headers.authorization === shown('me')) return false
          refuse(response, 429, 'TOOMANYREQUESTS')
          return true
        },
      })
      assert.equal(await resolve(image), null)
      assert.equal(await resolve(image, login('other')), null)
      assert.match((await resolve(image, login('me')))?.digest ?? '', /^sha256:/)
      const asked = rationed.asked.length
      assert.deepEqual([await resolve(image), await resolve(image, login('other'))], [null, null])
      assert.equal(rationed.asked.length, asked, 'those whom it gives no more leave it alone')
    } finally {
      await rationed.close()
    }
  })

  it('ends with whoever asks', async () => {
    const resolver = createImageResolver({ access: createRegistryAccess(), clock: systemClock, logger: silentLogger })
    const over = AbortSignal.abort(new Error('over'))
    await assert.rejects(resolver.resolve('registry.invalid/a', undefined, over), /over/)
  })
})
