/** Images for some platforms, on machines of which one says that it runs others: a real market, engine and registry. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import type Docker from 'dockerode'
import { extract } from 'tar-stream'
import type { JobRecord } from '../../node/store/index.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { closeAll } from '../support/close-all.ts'
import { startRegistry, type TestRegistry } from '../support/registry.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'
import { startCortex } from './support/program.ts'
import { removePulled } from './support/pulled-images.ts'

/** Jobs of a batch: those before the tag moves, and behind. */
const BATCH = 50

/** The shell of an image that an engine has. */
async function shellOf(docker: Docker, image: string): Promise<Buffer> {
  const container = await docker.createContainer({ Image: image, Cmd: ['true'] })
  try {
    const files = extract()
    const found = Promise.withResolvers<Buffer>()
    files.on('entry', (_header, stream, next) => {
      buffer(stream).then(found.resolve, found.reject)
      stream.once('end', next)
    })
    const archive = await container.getArchive({ path: '/bin/busybox' })
    archive.pipe(files)
    await once(files, 'finish')
    return await found.promise
  } finally {
    await container.remove({ force: true })
  }
}

describe('an image that is for some platforms', () => {
  const allowed: string[] = []
  let market: TestMarket
  let registry: TestRegistry
  let shell: Buffer
  let amd64: Seller
  let arm64: Seller

  before(async () => {
    registry = await startRegistry()
    allowed.push(registry.host)
    market = await openMarket({ allowRegistries: allowed })
    shell = await shellOf(market.docker, market.image)
    // What it is told: its processor runs the same programs as the other's.
    arm64 = await market.addSeller({
      ...{ name: 'arm64', price: '0.001', allowRegistries: allowed },
      agent: { platforms: ['linux/arm64'] },
    })
    amd64 = await market.addSeller({
      ...{ name: 'amd64', price: '1', allowRegistries: allowed },
      agent: { platforms: ['linux/amd64'] },
    })
  })
  after(async () => {
    await closeAll(
      async () => market && (await removePulled(market.docker, registry.host)),
      async () => await market?.close(),
      async () => await registry?.close(),
    )
  })

  const whereIs = ({ state }: JobRecord): string | undefined =>
    'lease' in state && state.lease !== null ? state.lease.provider : undefined
  const offer = async (name: string, platforms: string[]) => await registry.add(name, { platforms, shell })
  const run = async (image: string, changes: object = {}) =>
    await market.run('exit 0', { image, command: ['/bin/sh', '-c'], ...changes })

  it('never goes to the cheaper machine that is of another', async () => {
    const image = await offer('amd64', ['linux/amd64'])
    const job = await run(image)
    assert.deepEqual([job.state.status, job.attempt, whereIs(job)], ['completed', 1, amd64.id])
    const [refusal, bid] = (await market.node.store.bids(job.id)).toSorted((a, b) => (a.score ?? -1) - (b.score ?? -1))
    assert.ok(refusal === undefined || bid === undefined || refusal.outcome === 'declined')
  })

  it('is known to `cortex run`, too, where its registry is inside the network and the user allows it', async () => {
    const image = await offer('inside', ['linux/amd64'])
    const [at = ''] = market.bootstrap
    const { code, stderr } = await startCortex([
      ...['run', '--data', join(market.folder, 'run'), '--network', market.network, '--no-mdns'],
      ...['--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', at, '--bids', '--allow-registry', registry.host],
      ...['--memory', '16Mi', '--storage', '16Mi', image, '--', '/bin/sh', '-c', 'exit 0'],
    ]).ended
    assert.equal(code, 0, stderr)
    assert.match(stderr, /^amd64 +accepted/m)
    assert.match(stderr, /^arm64 +declined/m)
  })

  it('goes to either where it is for both, as what the machine runs', async () => {
    const image = await offer('both', ['linux/amd64', 'linux/arm64'])
    const job = await run(image)
    assert.deepEqual([job.state.status, whereIs(job)], ['completed', arm64.id], 'the cheaper')
    const bids = await market.node.store.bids(job.id)
    // One of them has it by now, and says so to whoever asks for these bytes.
    const again = await run(image, { providerStrategy: 'performance' })
    const reasons = (await market.node.store.bids(again.id)).filter(({ reason }) => /has the image/.test(reason))
    assert.deepEqual(
      reasons.map(({ provider }) => provider),
      [arm64.id],
    )
    const platforms = bids.map(({ name, platform }) => `${name} ${platform}`).toSorted()
    assert.deepEqual(platforms, ['amd64 linux/amd64', 'arm64 linux/arm64'])
    const named = await run(image, { platform: 'linux/x86_64' })
    assert.deepEqual([named.state.status, whereIs(named)], ['completed', amd64.id])
  })

  it('fails at once where the job names another than it is for', async () => {
    const job = await run(await offer('other', ['linux/amd64']), { platform: 'linux/arm64', queueTimeout: 3_600 })
    assert.ok(job.state.status === 'failed')
    assert.deepEqual(job.state.failure.details, { reason: 'no-such-platform' })
  })

  it('fails at once, and is asked of nobody, where no machine can run any of it', async () => {
    for (const platforms of [[], ['unknown/unknown']]) {
      const job = await run(await offer('nowhere', platforms), { queueTimeout: 3_600 })
      assert.ok(job.state.status === 'failed')
      assert.deepEqual(job.state.failure.details, { reason: 'invalid-image' })
      assert.match(job.state.failure.message, /the index of the image lists no image for any platform/)
      assert.deepEqual([job.attempt, await market.node.store.bids(job.id)], [1, []])
    }
  })

  it('fails at once, too, where only the provider has the image', async () => {
    const job = await run(market.image, { platform: 'linux/arm64', queueTimeout: 3_600 })
    assert.ok(job.state.status === 'failed')
    assert.deepEqual([job.attempt, job.state.failure.details['reason']], [1, 'no-such-platform'])
  })

  it('waits for a machine of what it is for, and says what there is', async () => {
    const job = await run(await offer('s390x', ['linux/s390x']), { queueTimeout: 2 })
    assert.ok(job.state.status === 'failed')
    assert.equal(job.state.failure.details['reason'], 'no-platform')
    assert.match(job.state.failure.message, /^No provider runs linux\/s390x; the nearest is a/)
  })

  it('runs the same bytes in all jobs that were resolved together, wherever its tag leads meanwhile', async () => {
    const image = await offer('moving', ['linux/amd64', 'linux/arm64'])
    const first = registry.digest('moving')
    const spec = jobSubmissionSchema.parse(market.job('exit 0', { image, command: ['/bin/sh', '-c'] }))
    const resolved = (await market.node.requester.resolveImage(spec)) ?? undefined
    assert.equal(resolved?.digest, first)
    const held = await Promise.all(
      Array.from({ length: BATCH }, async () => {
        const job = { owner: 'test', spec, hold: true }
        return (await market.node.requester.submit(resolved === undefined ? job : { ...job, image: resolved })).job
      }),
    )
    const release = async ({ id }: JobRecord) => {
      await market.node.requester.release(id)
      return await market.ended(id)
    }
    const before = await Promise.all(held.slice(0, BATCH / 2).map(release))
    await offer('moving', ['linux/amd64', 'linux/arm64'])
    assert.notEqual(registry.digest('moving'), first)
    const behind = await Promise.all(held.slice(BATCH / 2).map(release))
    for (const job of [...before, ...behind]) {
      assert.equal(job.state.status, 'completed')
      assert.ok('lease' in job.state)
      assert.equal(job.state.lease?.imageDigest, `${registry.host}/moving@${first}`)
    }
    const later = await run(image)
    assert.ok('lease' in later.state)
    assert.equal(later.state.lease?.imageDigest, `${registry.host}/moving@${registry.digest('moving')}`)
  })
})
