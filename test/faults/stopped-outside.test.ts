/** Containers of jobs that end otherwise than their programs meant to, on an engine of the test's own. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { type LocalNetwork, startLocalNetwork } from '../../scripts/local-network.ts'
import { until } from '../support/until.ts'
import { type NetworkApi, networkApi } from './support/network-api.ts'
import { type OwnEngine, ownEngineProblem, startOwnEngine } from './support/own-engine.ts'

const problem = await ownEngineProblem()

const sleeper = 'echo ready; while :; do sleep 0.2; done'
const polite = `trap 'echo bye; exit 0' TERM INT; ${sleeper}`

function job(script: string, changes: object = {}): object {
  return { command: ['sh', '-c'], args: [script], duration: 600, network: 'none', maxAttempts: 3, ...changes }
}

/** The first attempt does what it is told; what comes after it is told by the volume, and ends well. */
const onceThen = (script: string): string =>
  `if [ -e /v/again ]; then echo again; exit 0; fi; touch /v/again; ${script}`
const volumes = [{ name: 'v', mountPath: '/v', size: '1Mi' }]

describe('a container that its provider ends', { skip: problem ?? false }, () => {
  const stack = new AsyncDisposableStack()
  let engine: OwnEngine
  let network: LocalNetwork
  let api: NetworkApi

  before(async () => {
    engine = stack.use(await startOwnEngine())
    network = await startLocalNetwork({
      dockerHost: engine.host,
      gatewayFlags: ['--rate-limit', '0'],
      agents: [{ name: 'host', flags: ['--price-cpu', '0.01'] }],
    })
    stack.defer(network.stop)
    api = networkApi(network)
    await api.provider('host', ({ paused }) => paused === null)
  })
  after(async () => await stack.disposeAsync())

  async function containerOf(id: string) {
    const [found] = await engine.docker.listContainers({ all: true, filters: { label: [`cortex.job=${id}`] } })
    return engine.docker.getContainer(found?.Id ?? '')
  }

  async function eventsOf(id: string, type: string): Promise<Record<string, unknown>[]> {
    const { data } = await api.call('GET', `/jobs/${id}`)
    return data.events.filter((event: { type: string }) => event.type === type)
  }

  const byOwner: [what: string, script: string, act: (id: string) => Promise<unknown>, reasons: string[]][] = [
    ['docker kill', sleeper, async (id) => (await containerOf(id)).kill(), ['stopped-by-provider']],
    [
      'docker kill -s TERM',
      sleeper,
      async (id) => (await containerOf(id)).kill({ signal: 'SIGTERM' }),
      ['stopped-by-provider'],
    ],
    [
      'docker kill -s INT of a program that then ends well',
      polite,
      async (id) => (await containerOf(id)).kill({ signal: 'SIGINT' }),
      ['stopped-by-provider'],
    ],
    ['docker stop', sleeper, async (id) => (await containerOf(id)).stop(), ['stopped-by-provider']],
    [
      'docker stop of a program that then ends well',
      polite,
      async (id) => (await containerOf(id)).stop(),
      ['stopped-by-provider'],
    ],
    [
      'docker rm -f',
      sleeper,
      async (id) => (await containerOf(id)).remove({ force: true }),
      ['container-lost', 'stopped-by-provider'],
    ],
    ['docker restart', sleeper, async (id) => (await containerOf(id)).restart({ t: 1 }), ['stopped-by-provider']],
  ]
  for (const [what, script, act, reasons] of byOwner) {
    it(`entry 25: ${what} by the owner is the provider’s doing: the next attempt, and nothing billed beyond`, async () => {
      const id = await api.submit(job(onceThen(script), { volumes }))
      await api.moreLines(id, 1)
      const begunMs = performance.now()
      await act(id)
      const { attempt, status, cost } = await api.ended(id)
      const tookSeconds = Math.ceil((performance.now() - begunMs) / 1000)
      const [lost] = await eventsOf(id, 'lost')
      assert.deepEqual([status, attempt, lost?.code], ['completed', 2, 'INTERNAL'], JSON.stringify(lost))
      assert.ok(reasons.includes(String(lost?.reason)), JSON.stringify(lost))
      const price = Number((await eventsOf(id, 'scheduled'))[0]?.pricePerHour)
      assert.ok(cost.final <= ((tookSeconds + 20) * price) / 3600, `${cost.final} for ${tookSeconds} s`)
    })
  }

  const byItself: [what: string, script: string, exitCode: number][] = [
    ['kills itself with SIGTERM', 'kill -TERM $$', 143],
    ['kills itself with SIGKILL', 'kill -KILL $$', 137],
    ['ends with 143', 'exit 143', 143],
    ['ends with 137', 'exit 137', 137],
    ['ends with 130', 'exit 130', 130],
  ]
  for (const [what, script, exitCode] of byItself) {
    it(`entry 25: a program that ${what} is the job’s own doing: no further attempt`, async () => {
      const id = await api.submit(job(`echo ready; ${script}`))
      const { status, attempt, error, results } = await api.ended(id)
      assert.deepEqual([status, attempt, error.code, results.exitCode], ['failed', 1, 'NON_ZERO_EXIT', exitCode])
      assert.equal(error.fault, 'job')
    })
  }

  it('entry 25: a signal of the owner that the program takes for its own purposes ends nothing', async () => {
    const id = await api.submit(job(`trap 'exit 7' USR1; ${sleeper}`))
    await api.moreLines(id, 1)
    await (await containerOf(id)).kill({ signal: 'SIGUSR1' })
    const { status, attempt, results } = await api.ended(id)
    assert.deepEqual([status, attempt, results.exitCode], ['failed', 1, 7])
  })

  it('entry 25: what its user cancels stays cancelled, and what reaches its duration expires', async () => {
    const cancelled = await api.submit(job(sleeper))
    const expired = await api.submit(job(sleeper, { duration: 3 }))
    await api.moreLines(cancelled, 1)
    await api.call('DELETE', `/jobs/${cancelled}`)
    assert.equal((await api.ended(cancelled)).status, 'cancelled')
    const { status, error } = await api.ended(expired)
    assert.deepEqual([status, error.code, error.fault], ['failed', 'DURATION_EXCEEDED', 'job'])
  })

  for (const network of ['none', 'bridge']) {
    it(`entry 53: one that its owner has paused is stopped and removed when its job is cancelled or its time is over (${network})`, async () => {
      const ids = [
        await api.submit(job(sleeper, { network })),
        await api.submit(job(sleeper, { network, duration: 15 })),
      ]
      for (const id of ids) await api.moreLines(id, 1)
      for (const id of ids) await (await containerOf(id)).pause()
      await api.call('DELETE', `/jobs/${ids[0]}`)
      const [cancelled, expired] = await Promise.all(ids.map(api.ended))
      assert.equal(cancelled.status, 'cancelled')
      assert.deepEqual([expired.status, expired.error.code], ['failed', 'DURATION_EXCEEDED'])
      const left = async (): Promise<number> =>
        (await engine.docker.listContainers({ all: true })).filter(({ Labels: labels }) =>
          ids.includes(labels['cortex.job'] ?? ''),
        ).length
      await until(async () => (await left()) === 0)
    })
  }

  for (const [signal, awayMs] of [
    ['SIGTERM', 0],
    ['SIGTERM', 8_000],
    ['SIGKILL', 3_000],
    ['SIGKILL', 30_000],
  ] as const) {
    it(`entries 25 and 52: an engine that ends by ${signal} and is back after ${awayMs / 1000} s takes its containers with it: degraded meanwhile, then the next attempt`, async () => {
      const ids = [
        await api.submit(job(onceThen(sleeper), { volumes })),
        await api.submit(job(onceThen(polite), { volumes })),
        await api.submit(job(onceThen(sleeper), { volumes, onDisconnect: 'stop' })),
      ]
      for (const id of ids) await api.moreLines(id, 1)
      await engine.end(signal)
      const isLost = async (id: string) => (await eventsOf(id, 'lost')).length > 0
      if (awayMs > 5_000) {
        const { paused } = await api.provider('host', ({ status }) => status === 'degraded')
        assert.match(paused, /engine/)
        // Nobody has to wait for an engine whose containers do not outlive it, but for what must not run twice.
        if (signal === 'SIGTERM' || awayMs > 25_000) await until(async () => await isLost(ids[0] ?? ''))
      }
      await new Promise((resolve) => setTimeout(resolve, awayMs))
      await engine.start()
      for (const id of ids) {
        const { status, attempt } = await api.job(id, (one) => one.endedAt !== null)
        const [lost] = await eventsOf(id, 'lost')
        assert.deepEqual([status, attempt], ['completed', 2], JSON.stringify(await eventsOf(id, 'lost')))
        // An engine that is being stopped may still answer what its container ended with, and not yet be known to end.
        assert.match(String(lost?.reason), /^(engine-stopped|stopped-by-provider)$/)
      }
      await api.provider('host', ({ status, paused }) => status === 'online' && paused === null)
    })
  }

  it('leaves nothing on the engine', async () => {
    const left = async (): Promise<string[]> =>
      (await engine.docker.listContainers({ all: true }))
        .filter(({ Labels: labels }) => labels['cortex.job'] !== undefined)
        .map(({ Names: [name = ''] }) => name)
    await until(async () => (await left()).length === 0)
  })
})
