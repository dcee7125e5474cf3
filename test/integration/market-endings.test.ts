/** Every way in which a job ends, as the user of a gateway sees it. */

import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { startRegistry } from '../support/registry.ts'
import { until } from '../support/until.ts'
import { type Answer, type Api, openApi } from './support/api.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

const LOOP = 'while :; do sleep 0.1; done'
/** Time for a busy machine to come to a trap, and to it again. */
const POLITE = { duration: 5, stopGraceSeconds: 60 }

describe('how a job ends', () => {
  const allowRegistries: string[] = ['127.0.0.1:1']
  let market: TestMarket
  let api: Api
  let seller: Seller
  /** One that sells no more time than was asked for at first; dear, so that it is never taken by chance. */
  let strict: Seller

  before(async () => {
    market = await openMarket()
    api = await openApi(market)
    seller = await market.addSeller({ allowRegistries })
    strict = await market.addSeller({ price: '1', agent: { allowExtension: false }, allowRegistries })
  })
  after(() => market?.close())

  function eventsOf(job: Answer['data']): string[] {
    return job.events.map(({ type }: { type: string }) => type)
  }

  async function statusIs(id: string, status: string): Promise<void> {
    await market.when(id, ({ state }) => state.status === status)
  }

  /** Nothing of any job is left at the sellers: no container, no network, no capacity, no lease. */
  async function settled(): Promise<void> {
    await until(() => market.sellers.every(({ agent }) => agent.status().leases.length === 0))
    assert.deepEqual(await market.left(), [])
    for (const { agent } of market.sellers) assert.deepEqual(agent.status().free, agent.status().total)
  }

  it('exit code 0: completed, with every state and its time', async () => {
    const job = await api.run(market.job('echo done'))
    assert.deepEqual([job.status, job.results.exitCode, job.error], ['completed', 0, null])
    const types = eventsOf(job)
    assert.deepEqual(
      types.filter((type) => type !== 'pulling'),
      ['created', 'scheduled', 'started', 'completed'],
    )
    const times = [job.createdAt, job.scheduledAt, job.startedAt, job.endedAt].map((time) => Date.parse(time))
    // The provider's clock is this machine's, too.
    assert.deepEqual(times, times.toSorted())
    await settled()
  })

  it('another exit code: failed, with that code', async () => {
    const job = await api.run(market.job('echo reading; exit 3'))
    assert.deepEqual([job.status, job.results.exitCode], ['failed', 3])
    assert.deepEqual([job.error.code, job.error.message], ['NON_ZERO_EXIT', 'Exit Code 3'])
    assert.deepEqual(job.error.details, { exitCode: 3 })
    assert.deepEqual(job.attempt, 1)
  })

  it('no memory left: told apart from a plain exit and from a job that was too large to begin with', async () => {
    const job = await api.run(market.job('x=0123456789; while :; do x=$x$x; done'))
    assert.deepEqual([job.status, job.results.exitCode], ['failed', 137])
    assert.deepEqual([job.error.code, job.error.details.reason], ['RESOURCE_LIMIT_EXCEEDED', 'out-of-memory'])
    assert.match(job.error.remedy, /memory/)
    const large = await api.run(market.job('true', { memory: '900Gi', queueTimeout: 1 }))
    assert.deepEqual(
      [large.error.code, large.error.details.reason],
      ['RESOURCE_LIMIT_EXCEEDED', 'more-than-any-provider'],
    )
  })

  describe('the image', () => {
    async function fails(changes: object): Promise<Answer['data']> {
      const job = await api.run(market.job('true', changes))
      assert.deepEqual([job.status, job.startedAt, job.results.exitCode], ['failed', null, null])
      assert.equal(job.error.code, 'IMAGE_PULL_ERROR')
      await settled()
      return job.error
    }

    it('is not there, and must not be pulled', async () => {
      const { details, remedy } = await fails({ image: 'cortex/no-such-image:1', imagePullPolicy: 'Never' })
      assert.equal(details.reason, 'never-present')
      assert.match(remedy, /imagePullPolicy/)
    })

    it('is in a registry that nobody serves', async () => {
      const { details, remedy } = await fails({ image: '127.0.0.1:1/nobody:1' })
      assert.equal(details.reason, 'registry-unreachable')
      assert.match(remedy, /registry/)
    })

    it('is in a registry that does not have it', async (test) => {
      const registry = await startRegistry()
      test.after(registry.close)
      allowRegistries.push(registry.host)
      const { details } = await fails({ image: `${registry.host}/no/such:1` })
      assert.equal(details.reason, 'not-found')
    })
  })

  describe('cancelled', () => {
    it('while pending: at once, and nobody ever ran it', async () => {
      const id = await api.submit(market.job('true', { memory: '900Gi' }))
      const { status, data } = await api.call('POST', `/jobs/${id}/cancel`)
      assert.deepEqual([status, data], [200, { id, status: 'cancelling' }])
      const job = await api.ended(id)
      assert.deepEqual([job.status, job.assignedProvider, job.scheduledAt], ['cancelled', null, null])
      assert.deepEqual(eventsOf(job), ['created', 'cancelled'])
    })

    it('while scheduled, with its image on the way', async (test) => {
      const hold = Promise.withResolvers<void>()
      const registry = await startRegistry()
      test.after(registry.close)
      allowRegistries.push(registry.host)
      const image = await registry.add('slow', { hold: hold.promise })
      const id = await api.submit(market.job('true', { image }))
      await until(async () => (await market.node.store.events(id)).some(({ type }) => type === 'pulling'))
      assert.equal((await api.call('GET', `/jobs/${id}`)).data.status, 'scheduled')
      assert.equal((await api.call('DELETE', `/jobs/${id}`)).status, 200)
      const job = await api.ended(id)
      hold.resolve()
      assert.deepEqual([job.status, job.startedAt, job.assignedProvider], ['cancelled', null, seller.id])
      assert.equal(job.cost.final, 0)
      await settled()
    })

    it('while scheduled, with a registry that takes the call and never answers', async (test) => {
      const calls = new Set<Socket>()
      const deaf = createServer((socket) => calls.add(socket)).listen(0, '127.0.0.1')
      test.after(() => {
        for (const socket of calls) socket.destroy()
        deaf.close()
      })
      await until(() => deaf.listening)
      const address = deaf.address()
      const port = typeof address === 'object' ? address?.port : 0
      allowRegistries.push(`127.0.0.1:${port}`)
      const id = await api.submit(market.job('true', { image: `127.0.0.1:${port}/deaf:1` }))
      await statusIs(id, 'scheduled')
      await until(() => calls.size > 0)
      await api.call('POST', `/jobs/${id}/cancel`)
      assert.equal((await api.ended(id)).status, 'cancelled')
      await settled()
    })

    it('while running: the container is gone', async () => {
      const id = await api.submit(market.job(`echo ready; ${LOOP}`))
      await statusIs(id, 'running')
      await api.call('DELETE', `/jobs/${id}`)
      const job = await api.ended(id)
      assert.deepEqual([job.status, job.error], ['cancelled', null])
      assert.ok(job.cost.final > 0, 'the time it ran is paid for')
      await settled()
    })

    it('twice is no error while it ends, and a conflict once it has ended', async () => {
      const id = await api.submit(market.job(`trap 'sleep 5; exit 0' TERM; ${LOOP}`, { stopGraceSeconds: 60 }))
      await statusIs(id, 'running')
      const cancel = async (): Promise<number> => (await api.call('POST', `/jobs/${id}/cancel`)).status
      assert.deepEqual(await Promise.all([cancel(), cancel()]), [200, 200])
      const cancelled = await api.ended(id)
      assert.equal(cancelled.status, 'cancelled')
      const ended = [cancelled, await api.run(market.job('true')), await api.run(market.job('false'))]
      for (const { id: over, status } of ended) {
        for (const [method, path] of [
          ['POST', `/jobs/${over}/cancel`],
          ['DELETE', `/jobs/${over}`],
        ] as const) {
          const answer = await api.call(method, path)
          assert.deepEqual([answer.status, answer.code], [409, 'JOB_STATE_CONFLICT'], `${method} of a ${status} job`)
        }
        assert.equal((await api.call('GET', `/jobs/${over}`)).data.status, status)
      }
      assert.deepEqual(
        ended.map(({ status }) => status),
        ['cancelled', 'completed', 'failed'],
      )
      await settled()
    })
  })

  describe('its duration', () => {
    it('is reached, and the process ends well on SIGTERM: completed', async () => {
      const job = await api.run(market.job(`trap 'echo bye; exit 0' TERM; ${LOOP}`, POLITE))
      assert.deepEqual([job.status, job.results.exitCode], ['completed', 0])
      assert.deepEqual(eventsOf(job).slice(-3), ['started', 'expired', 'completed'])
      const { messages } = await api.stream<{ line: string }>(`/jobs/${job.id}/logs`)
      assert.deepEqual(
        messages.map(({ line }) => line),
        ['bye'],
      )
    })

    it('is reached, and the process ignores SIGTERM: killed after its grace, and failed', async () => {
      const job = await api.run(market.job(`trap '' TERM; ${LOOP}`, { duration: 5 }))
      assert.deepEqual([job.status, job.results.exitCode], ['failed', 137])
      assert.deepEqual([job.error.code, job.error.details], ['DURATION_EXCEEDED', { durationSeconds: '5' }])
      assert.ok(eventsOf(job).includes('expired'))
      assert.ok(Date.parse(job.endedAt) - Date.parse(job.startedAt) >= 6_000, 'duration and grace')
    })

    it('is reached, and the process ends badly on SIGTERM: failed for that, not for its exit code', async () => {
      const job = await api.run(market.job(`trap 'exit 7' TERM; ${LOOP}`, POLITE))
      assert.deepEqual([job.status, job.results.exitCode, job.error.code], ['failed', 7, 'DURATION_EXCEEDED'])
    })

    it('is extended while it runs: it ends by itself', async () => {
      // Time for a busy machine to be asked, and longer than what it had.
      const id = await api.submit(market.job('sleep 16; echo finished', { duration: 15 }))
      await statusIs(id, 'running')
      const { status, data } = await api.call('POST', `/jobs/${id}/extend`, { additional: 60 })
      assert.deepEqual([status, data.duration], [200, 75])
      const job = await api.ended(id)
      assert.deepEqual([job.status, job.duration], ['completed', 75])
      assert.deepEqual(
        eventsOf(job).filter((type) => type === 'expired' || type === 'extended'),
        ['extended'],
      )
    })

    it('is not extended by a provider that does not sell that: the job goes on as it was', async () => {
      const id = await api.submit(
        market.job(`trap 'exit 0' TERM; ${LOOP}`, { ...POLITE, duration: 15, provider: strict.id }),
      )
      await statusIs(id, 'running')
      const answer = await api.call('POST', `/jobs/${id}/extend`, { additional: 60 })
      assert.deepEqual([answer.status, answer.code], [409, 'PROVIDER_CONFLICT'])
      const job = await api.ended(id)
      assert.deepEqual([job.status, job.duration], ['completed', 15])
      assert.deepEqual(
        eventsOf(job).filter((type) => type === 'expired' || type === 'extended'),
        ['expired'],
      )
    })

    it('is extended before anybody has the job, and not after its end', async () => {
      const id = await api.submit(market.job('true', { memory: '900Gi', duration: 10 }))
      assert.equal((await api.call('POST', `/jobs/${id}/extend`, { additional: 5 })).data.duration, 15)
      await api.call('DELETE', `/jobs/${id}`)
      assert.equal((await api.ended(id)).duration, 15)
      const late = await api.call('POST', `/jobs/${id}/extend`, { additional: 5 })
      assert.deepEqual([late.status, late.code], [409, 'JOB_STATE_CONFLICT'])
      await settled()
    })
  })
})
