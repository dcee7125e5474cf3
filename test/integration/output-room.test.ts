/** What a job leaves where its requester has no room for it, and in parts once it has. */

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { systemClock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import { createOutputKeeper } from '../../node/outputs/keeper.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const MIB = 2 ** 20
const SCRIPT = 'mkdir -p /out/deep /logs && head -c 12582912 /dev/urandom > /out/deep/big && echo line > /logs/a.log'

describe('the room for outputs', () => {
  let market: TestMarket
  let api: Api

  before(async () => {
    market = await openMarket({ outputs: { roomBytes: 8 * MIB } })
    await market.addSeller()
    api = await openApi(market)
  })
  after(async () => await market.close())

  async function get(id: string, query = '', range?: string) {
    const headers = { Authorization: `Bearer ${api.key}`, ...(range === undefined ? {} : { Range: range }) }
    const answer = await fetch(`${api.url}/api/plugin-core/jobs/${id}/output${query}`, { headers })
    return { answer, bytes: Buffer.from(await answer.arrayBuffer()) }
  }

  it('is told of by the name of its flag where it is too small, and its job is what it was', async () => {
    const outputs = [{ path: '/out' }, { path: '/logs' }]
    const job = await api.run(market.job(SCRIPT, { outputs, storage: '32Mi' }))
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    await until(async () => (await market.node.store.get(job.id))?.output?.state === 'held')
    const { results } = (await api.call('GET', `/jobs/${job.id}`)).data
    assert.equal(results.outputUrl, null)
    assert.deepEqual(
      results.leftOut.map(({ path }: { path: string }) => path),
      ['/out', '/logs'],
    )
    for (const { reason } of results.leftOut) assert.match(reason, /is not here yet: .*12Mi.*8Mi, --output-room/)
    const { answer, bytes } = await get(job.id)
    assert.deepEqual([answer.status, /--output-room/.test(bytes.toString())], [404, true])

    // What was kept back comes to a process that gives more room.
    const { network, store } = market.node
    const keeper = createOutputKeeper(
      { network, store, clock: systemClock, logger: silentLogger },
      { folder: join(market.folder, 'client-node', 'outputs'), roomBytes: 64 * MIB },
    )
    await keeper.start()
    await until(async () => (await store.get(job.id))?.output?.state === 'kept')
    await keeper.stop()
    const settled = (await api.call('GET', `/jobs/${job.id}`)).data.results
    assert.deepEqual([settled.leftOut, typeof settled.outputUrl], [[], 'string'])
    await parts(job.id)
  })

  async function parts(id: string): Promise<void> {
    for (const query of ['', '?name=out', '?path=out/deep/big']) {
      const whole = await get(id, query)
      const size = whole.bytes.length
      assert.deepEqual([whole.answer.status, whole.answer.headers.get('content-length')], [200, String(size)], query)
      assert.ok(size >= 12 * MIB)
      for (const [range, from, to] of [
        ['bytes=0-0', 0, 1],
        [`bytes=${5 * MIB}-`, 5 * MIB, size],
        ['bytes=-600', size - 600, size],
        [`bytes=${size - 1_500}-${size - 500}`, size - 1_500, size - 499],
      ] as const) {
        const { answer, bytes } = await get(id, query, range)
        assert.equal(answer.status, 206, `${query} ${range}`)
        assert.equal(answer.headers.get('content-range'), `bytes ${from}-${to - 1}/${size}`)
        assert.equal(hash(bytes), hash(whole.bytes.subarray(from, to)), `${query} ${range}`)
      }
      assert.equal((await get(id, query, `bytes=${size}-`)).answer.status, 416, query)
    }
  }

  const hash = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
})
