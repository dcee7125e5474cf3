/** Images that one provider cannot get and another can, on a real market and engine. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { createRegistryAccess } from '../../node/registry/access.ts'
import { createImageResolver } from '../../node/registry/image-resolver.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { type HostileRegistry, refuse, startHostileRegistry } from '../support/hostile-registry.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { removePulled } from './support/pulled-images.ts'
import { type RealRegistry, registryObstacle, startRealRegistry } from './support/real-registry.ts'

const obstacle = await registryObstacle()

describe('an image that is not to be had everywhere', { skip: obstacle ?? false }, () => {
  let market: TestMarket
  let registry: RealRegistry
  let hostile: HostileRegistry
  let image = ''
  /** Cheap, and allows no registry inside; dear, and does. */
  let strict: Seller
  let open: Seller

  before(async () => {
    market = await openMarket()
    registry = await startRealRegistry()
    hostile = await startHostileRegistry()
    image = await registry.push(market.docker, await ensureBusyboxImage(market.docker), 'team/busybox')
    strict = await market.addSeller({ name: 'strict', price: '0.001' })
    open = await market.addSeller({ name: 'open', price: '1', allowRegistries: [registry.host, hostile.host] })
  })
  after(async () => {
    await closeAll(
      async () => market && (await removePulled(market.docker, registry.host)),
      async () => await market?.close(),
      async () => await hostile?.close(),
      async () => await registry?.close(),
    )
  })

  it('entry 26: is tried at the next provider, and the first does not bid for it for a while', async () => {
    const first = await market.run('exit 0', { image })
    assert.deepEqual([first.state.status, first.attempt], ['completed', 2])
    assert.deepEqual(
      first.pastLeases.map(({ provider, why }) => [provider, why?.details.reason]),
      [[strict.id, 'registry-not-allowed']],
    )
    const second = await market.run('exit 0', { image })
    assert.deepEqual([second.state.status, second.attempt], ['completed', 1])
    assert.ok('lease' in second.state && second.state.lease?.provider === open.id)
    assert.match(second.state.lease.imageDigest ?? '', new RegExp(`^${registry.host}/team/busybox@sha256:`))
  })

  it('entry 26: fails with the last reason when nobody is left to try, rather than at queueTimeout', async () => {
    const answer = (_request: unknown, response: Parameters<typeof refuse>[0]): boolean => {
      refuse(response, 429, 'TOOMANYREQUESTS')
      return true
    }
    const busy = hostile.offer('busy', { answer })
    const job = await market.run('exit 0', { image: busy, queueTimeout: 3_600 })
    assert.ok(job.state.status === 'failed')
    const { code, details } = job.state.failure
    assert.equal(code, 'IMAGE_PULL_ERROR')
    // Whoever was asked last.
    assert.ok(['rate-limited', 'registry-not-allowed'].includes(String(details.reason)), String(details.reason))
    assert.deepEqual(job.pastLeases.map(({ provider }) => provider).toSorted(), [strict.id, open.id].toSorted())
  })

  it('entry 26: ends at once with what every provider would meet', async () => {
    const job = await market.run('exit 0', { image: `${registry.host}/no/such:1`, provider: open.id })
    assert.ok(job.state.status === 'failed')
    assert.deepEqual([job.attempt, job.state.failure.details.reason], [1, 'repository-not-found'])
  })

  it('entry 26: of a registry that gives one provider no more runs at the next at once, and the first is not asked for a while', async () => {
    const rationed = await market.addSeller({ name: 'rationed', price: '0.5', allowRegistries: [hostile.host] })
    // Asks twice for what a tag means.
    let refusals = 2
    const answer = (_request: unknown, response: Parameters<typeof refuse>[0]): boolean => {
      if (refusals === 0) return false
      refusals -= 1
      refuse(response, 429, 'TOOMANYREQUESTS')
      return true
    }
    // Nothing in it can be run, which is nobody's fault but the image's.
    const image = hostile.offer('rationed', { answer })
    const first = await market.run('exit 0', { image })
    const elsewhere = first.pastLeases.filter(({ provider }) => provider !== strict.id)
    assert.deepEqual(
      elsewhere.map(({ provider, why }) => [provider, why?.details.reason]),
      [[rationed.id, 'rate-limited']],
    )
    assert.ok('lease' in first.state && first.state.lease?.provider === open.id)
    const second = await market.run('exit 0', { image })
    assert.ok('lease' in second.state && second.state.lease?.provider === open.id)
    assert.equal(second.attempt, 1)
    const third = await market.run('exit 0', { image, provider: rationed.id, queueTimeout: 2 })
    assert.ok(third.state.status === 'failed')
    assert.equal(third.state.failure.details.declineCode, 'IMAGE_UNAVAILABLE')
  })

  it('is told by a real registry to whoever may ask there: its digest, and what it is for', async () => {
    const resolved = async (allow: string[]) => {
      const access = createRegistryAccess({ allow })
      const resolver = createImageResolver({ access, clock: systemClock, logger: silentLogger })
      const found = await resolver.resolve(image, undefined, new AbortController().signal)
      assert.ok(found === null || 'digest' in found)
      return found
    }
    assert.equal(await resolved([]), null)
    const { digest, platforms } = (await resolved([registry.host])) ?? {}
    const job = await market.run('exit 0', { image, provider: open.id })
    assert.ok('lease' in job.state)
    assert.equal(job.state.lease?.imageDigest, `${registry.host}/team/busybox@${digest}`)
    const { Os: os, Architecture: architecture } = await market.docker.getImage(market.image).inspect()
    assert.deepEqual(platforms, [`${os}/${architecture}`])
  })
})
