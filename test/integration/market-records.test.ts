/** What is kept of a job: its output, whole and in order, and the receipt of both sides. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { checkReceipt } from '../../protocol/market-messages.ts'
import { costOf, usdNumber } from '../../protocol/money.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type Seller, type TestMarket } from './support/market.ts'

interface Line {
  line: string
  stream: 'stdout' | 'stderr'
  timestamp: string
  partial?: true
}

describe('the records of a job', () => {
  let market: TestMarket
  let api: Api
  let seller: Seller

  before(async () => {
    market = await openMarket()
    api = await openApi(market)
    seller = await market.addSeller()
  })
  after(() => market?.close())

  function numbers(from: number, to: number): string[] {
    return Array.from({ length: to - from + 1 }, (_, i) => String(from + i))
  }

  function textsOf(lines: Line[], stream?: Line['stream']): string[] {
    return lines.filter((line) => stream === undefined || line.stream === stream).map(({ line }) => line)
  }

  const LINES = 20_000

  it('stream whole while it runs, each line once and in order', async () => {
    const id = await api.submit(market.job(`seq 1 ${LINES}; seq 1 100 >&2; sleep 0.3; seq ${LINES + 1} ${LINES + 50}`))
    const { messages, ids, end } = await api.stream<Line>(`/jobs/${id}/logs`)
    assert.deepEqual(textsOf(messages, 'stdout'), numbers(1, LINES + 50))
    assert.deepEqual(textsOf(messages, 'stderr'), numbers(1, 100))
    assert.deepEqual(ids, numbers(1, LINES + 150))
    assert.deepEqual(end, { id, status: 'completed' })
    const again = await api.stream<Line>(`/jobs/${id}/logs`)
    assert.deepEqual(again.messages, messages)
    const { logs } = (await api.call('GET', `/jobs/${id}/logs?tail=3`)).data
    assert.deepEqual(logs, messages.slice(-3))
  })

  it('go on where a reader left, without a gap or a repeat', async () => {
    const id = await api.submit(market.job('for i in $(seq 1 60); do echo $i; sleep 0.01; done'))
    const first = await api.stream<Line>(`/jobs/${id}/logs`, (lines) => lines.length === 10)
    const last = first.ids.at(9)
    const response = await fetch(`${api.url}/api/plugin-core/jobs/${id}/logs`, {
      headers: { Authorization: `Bearer ${api.key}`, Accept: 'text/event-stream', 'Last-Event-ID': String(last) },
    })
    const text = await response.text()
    const rest = [...text.matchAll(/^data: ?(\{.*"line".*\})$/gm)].map(([, data]) => JSON.parse(data ?? '') as Line)
    assert.deepEqual([...textsOf(first.messages).slice(0, 10), ...textsOf(rest)], numbers(1, 60))
    assert.match(text, /^event: ?end$/m)
  })

  it('keep what is no plain line of text: long ones, empty ones, other alphabets, no newline at the end', async () => {
    const long = 150_000
    const script = `head -c ${long} /dev/zero | tr '\\0' x; echo; echo; printf 'žluť 🐎\\tend\\n'; printf '\\377\\n'; printf last`
    const job = await api.run(market.job(script))
    assert.equal(job.status, 'completed')
    const { messages } = await api.stream<Line>(`/jobs/${job.id}/logs`)
    const texts = textsOf(messages)
    const parts = messages.findIndex(({ partial }) => partial !== true) + 1
    assert.equal(texts.slice(0, parts).join(''), 'x'.repeat(long))
    assert.ok(texts.every((text) => Buffer.byteLength(text) <= 64 * 1024))
    assert.deepEqual(texts.slice(parts), ['', 'žluť 🐎\tend', '\ufffd', 'last'])
  })

  it('include a receipt that both sides signed, and that anybody can check', async () => {
    for (const [script, exitCode] of [
      ['sleep 1.2', 0],
      ['sleep 0.1; exit 4', 4],
    ] as const) {
      const job = await api.run(market.job(script))
      const { status, data } = await api.call('GET', `/jobs/${job.id}/receipt`)
      assert.equal(status, 200)
      const opened = await Promise.all(
        [data.signed.provider, data.signed.requester].map(async (text: string) => {
          const statement = fromBinary(SignedStatementSchema, Buffer.from(text, 'base64'))
          return { ...(await checkReceipt(statement)), payload: Buffer.from(statement.payload) }
        }),
      )
      const [byProvider, byRequester] = opened
      assert.ok(byProvider !== undefined && byRequester !== undefined)
      assert.deepEqual(
        opened.map(({ signer }) => signer),
        [seller.id, market.node.network.peerId],
      )
      assert.deepEqual(byProvider.payload, byRequester.payload)
      const { receipt } = byProvider
      assert.deepEqual(
        [receipt.jobId, receipt.network, receipt.fence, receipt.exitCode, receipt.outcome],
        [job.id, market.network, 1, exitCode, 'exited'],
      )
      const metered = Number(receipt.meteredSeconds)
      const ranMs = Date.parse(job.endedAt) - Date.parse(job.startedAt)
      assert.ok(Math.abs(metered * 1000 - ranMs) < 1_500, `${metered} s metered, ran ${ranMs} ms`)
      assert.equal(receipt.costNanoUsd, costOf(receipt.pricePerHour, metered))
      assert.equal(job.cost.final, usdNumber(receipt.costNanoUsd))
      assert.deepEqual([data.cost, data.meteredSeconds, data.exitCode], [job.cost.final, metered, exitCode])
      const [bid] = (await api.call('GET', `/jobs/${job.id}/bids`)).data.bids
      assert.equal(bid.price, usdNumber(receipt.pricePerHour))
      // Changed by a single bit, neither verifies.
      for (const text of [data.signed.provider, data.signed.requester]) {
        const statement = fromBinary(SignedStatementSchema, Buffer.from(text, 'base64'))
        const payload = Uint8Array.from(statement.payload)
        payload[payload.length - 1] = (payload.at(-1) ?? 0) ^ 1
        await assert.rejects(checkReceipt({ ...statement, payload }), { code: 'BAD_SIGNATURE' })
      }
    }
  })
})
