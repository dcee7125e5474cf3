import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { createTurns } from '../../../gateway/mcp/budget.ts'
import { createRelay } from '../../../gateway/mcp/relay.ts'
import type { Tool } from '../../../gateway/mcp/tools/tool.ts'
import { formatUsd, parseUsd } from '../../../protocol/money.ts'
import { ADMIN_KEY, openTestGateway, submit, type TestGateway } from '../support/test-gateway.ts'

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Facts = any

/** Of the provider that takes everything, in US dollars: an hour costs a cent, a job at least two. */
const MINIMUM = 0.02
/** What jobs that ended are taken for old or young by: they end at 1,700,000,036,200 ms. */
const SOON_AFTER = 1_700_000_100_000

describe('a budget of tools', () => {
  let gateway: TestGateway
  let inProcess: typeof fetch
  before(async () => {
    gateway = await openTestGateway()
    // A provider bids where the cap allows it.
    const { requester } = gateway.node
    const { quote } = requester
    requester.quote = async (spec, owner) => {
      const { quotes, ...rest } = await quote(spec, owner)
      const isWithin = Number(spec.maxPrice ?? MINIMUM) >= MINIMUM
      return { ...rest, quotes: quotes.filter(({ pricePerHour }) => pricePerHour === null || isWithin) }
    }
    inProcess = async (url, init) => await gateway.app.request(new URL(String(url)), init)
  })
  after(async () => {
    await gateway.close()
  })

  /** Calls a tool as `cortex mcp` does, and answers its facts. */
  async function call(name: string, args: object, { key = ADMIN_KEY, limit = '1', ...more } = {}): Promise<Facts> {
    const budget = limit === '' ? {} : { limit: parseUsd(limit) ?? 0n }
    const init = { gateway: 'http://localhost/api', key, ...budget, fetch: inProcess, ...more }
    const { structuredContent, isError = false } = await createRelay(init)(
      { name, reads: name === 'costs' } as Tool,
      args,
      new AbortController().signal,
    )
    return { isError, ...(structuredContent as object) }
  }

  const run = async (args: object, options?: { key?: string; limit?: string }): Promise<Facts> =>
    await call('run', { image: 'busybox', duration: 3600, waitSeconds: 0, ...args }, options)
  const used = async (key: string): Promise<number> => Number((await call('costs', {}, { key })).budget.usedUsd)

  it('refuses what makes a job cost more than its duration, by the field', async () => {
    const volume = { name: 'data', mountPath: '/data', size: '1Gi' }
    const cases: [more: object, path: string][] = [
      [{ autoExtend: true }, 'autoExtend'],
      [{ retryOnFailure: true }, 'retryOnFailure'],
      [{ maxAttempts: 3 }, 'maxAttempts'],
      [{ volumes: [{ ...volume, keep: '168h' }] }, 'volumes[0].keep'],
      [{ volumes: [{ volume: `vol_${'a'.repeat(26)}`, mountPath: '/data' }] }, 'volumes[0].volume'],
      [{ duration: '2h?' }, 'duration'],
      [{ duration: 1.5 }, 'duration'],
      [{ maxPrice: 'little' }, 'maxPrice'],
    ]
    for (const [more, path] of cases) {
      const { isError, error } = await run({ more })
      assert.deepEqual([isError, error?.code, error?.fields[0].path], [true, 'VALIDATION_ERROR', path], path)
    }
    assert.equal((await run({ more: { volumes: [volume], maxAttempts: 1 } })).isError, false)
  })

  it('caps a job at what providers ask with their minimum, and gives it one attempt', async () => {
    const key = await gateway.keyFor('capped')
    const { job } = await run({}, { key })
    const { config, maxAttempts, origin } = (await gateway.ask('GET', `/api/plugin-core/jobs/${job}`, { key })).data
    assert.deepEqual([Number(config.maxPrice), maxAttempts, typeof origin.mcpKey], [MINIMUM, 1, 'string'])
    const huge = await run({ duration: 60 }, { key, limit: '999999999' })
    assert.equal(huge.isError, false, JSON.stringify(huge))
  })

  it('counts what goes on at what it may cost, and what ended within a day', async () => {
    const key = await gateway.keyFor('counted')
    const options = { key, limit: '' }
    // Pending, at its cap, with its grace: whatever providers post.
    await run({ maxPrice: '0.36', more: { stopGraceSeconds: 0 } }, options)
    assert.equal(await used(key), 0.36)
    const poor = await run({}, { key, limit: '0.36' })
    assert.deepEqual([poor.isError, poor.error.code, poor.error.remainingUsd], [true, 'BUDGET_EXCEEDED', '0'])
    const { job } = await run({ maxPrice: '0.36', more: { stopGraceSeconds: 0 } }, options)
    await gateway.play.start(job, { pricePerHour: '50000000', minimumCharge: '0' })
    assert.equal(await used(key), 0.41)
    await gateway.play.complete(job, { pricePerHour: '50000000', minimumCharge: '0', meteredMs: 3_600_000 })
    gateway.time.nowMs = SOON_AFTER
    try {
      assert.equal(await used(key), 0.41)
    } finally {
      gateway.time.nowMs = null
    }
    assert.equal(await used(key), 0.36)
  })

  it('is of one key alone, whatever others say of their jobs', async () => {
    const [mine, others] = [await gateway.keyFor('shared'), await gateway.keyFor('shared')]
    const { job } = await run({}, { key: mine })
    const { origin } = (await gateway.ask('GET', `/api/plugin-core/jobs/${job}`, { key: mine })).data
    const before = await used(mine)
    assert.equal(await used(others), 0)
    const labels = { 'mcp.key': origin.mcpKey, mcpKey: origin.mcpKey }
    await submit(gateway, { labels, maxPrice: '1' }, others)
    await run({ labels }, { key: others })
    assert.equal(await used(mine), before)
  })

  it('spends nothing twice, of however many programs', async () => {
    const key = await gateway.keyFor('twice')
    const limit = formatUsd(25_000_000n)
    const all = await Promise.all([run({}, { key, limit }), run({}, { key, limit }), run({}, { key, limit })])
    assert.deepEqual(all.map(({ isError }) => isError).sort(), [false, true, true])
    assert.ok((await used(key)) <= 0.025)
  })

  it('lets a job wait that nobody takes for another reason than its price', async () => {
    const key = await gateway.keyFor('waiting')
    const { quote } = gateway.node.requester
    const answer = async (...init: Parameters<typeof quote>) => {
      const { quotes, ...rest } = await quote(...init)
      return { ...rest, quotes: quotes.filter(({ pricePerHour }) => pricePerHour === null) }
    }
    gateway.node.requester.quote = answer
    try {
      assert.equal((await run({}, { key })).status, 'pending')
      assert.equal(await used(key), 1)
      // Somebody is free, and asks more than is left.
      gateway.node.requester.quote = quote
      const refused = await run({}, { key, limit: '1.01' })
      assert.deepEqual([refused.isError, refused.error.code], [true, 'BUDGET_EXCEEDED'])
      assert.match(refused.error.message, /asks 0\.02 USD per hour/)
      // Its own cap is no matter of the budget.
      assert.equal((await run({ maxPrice: '0.001' }, { key, limit: '2' })).isError, false)
    } finally {
      gateway.node.requester.quote = quote
    }
  })

  it('names a job that was made, whatever goes wrong behind it', async () => {
    const key = await gateway.keyFor('named')
    const { get } = gateway.store
    gateway.store.get = async () => await Promise.reject(new Error('The disk broke'))
    try {
      const made = await run({}, { key, limit: '' })
      assert.match(made.job, /^job_/)
      assert.deepEqual([made.status, made.problem.code], ['unknown', 'INTERNAL_ERROR'])
      assert.match(made.next, /call job/)
    } finally {
      gateway.store.get = get
    }
  })

  it('says through `cortex mcp` what a gateway refuses, and when it cannot be reached', async () => {
    const wrong = await run({}, { key: 'ck_wrong' })
    assert.deepEqual([wrong.isError, wrong.error.code], [true, 'UNAUTHORIZED'])
    const answers: [answer: () => Promise<Response>, code: string][] = [
      [async () => await Promise.reject(new TypeError('fetch failed')), 'CONNECTION_FAILED'],
      [async () => new Response('<html>'), 'UNEXPECTED_ANSWER'],
    ]
    for (const [fetch, code] of answers) {
      const lost = await call('run', { image: 'busybox' }, { fetch } as object)
      assert.deepEqual([lost.isError, lost.error.code], [true, code])
      assert.match(lost.error.remedy, /may have been done/)
    }
  })

  it('takes one after the other', async () => {
    const inTurn = createTurns()
    const order: string[] = []
    const first = Promise.withResolvers<void>()
    const one = inTurn('key', async () => {
      await first.promise
      order.push('one')
      throw new Error('of the first alone')
    })
    const two = inTurn('key', async () => void order.push('two'))
    await inTurn('another', async () => void order.push('another'))
    first.resolve()
    await assert.rejects(one)
    await two
    assert.deepEqual(order, ['another', 'one', 'two'])
  })
})
