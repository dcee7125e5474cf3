/** Providers that take one job and lie of it: in what they report, in what they claim, and in how often. */

import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { costOf, usdNumber } from '../../../protocol/money.ts'
import { type PlainLease, type ReceiptInit, sellPlainly } from '../../integration/support/plain-lease.ts'
import type { PlainPeer } from '../../integration/support/plain-peer.ts'
import type { AttackTarget, HostileInput } from '../support/inputs.ts'

/** What it charges an hour: the most that a job of {@link DURATION} may cost follows. */
const PRICE = 3_600_000_000n
const DURATION = 5
/** How long a provider may take to be listed, in ms, and how many are tried. */
const LISTED_MS = 30_000
const TRIES = 10

/** A provider that has alice's one job, and does with it what `lie` says. What the API says of the job at the end. */
async function withLiar(target: AttackTarget, lie: (line: PlainLease) => Promise<void>) {
  const { api } = target.alice
  const peer = await listedSeller(target, lie)
  try {
    const limits = { duration: DURATION, stopGraceSeconds: 0, maxAttempts: 1, queueTimeout: 20 }
    const id = await api.submit({ provider: peer.id, ...limits })
    const job = await api.ended(id)
    const receipt = await api.call('GET', `/jobs/${id}/receipt`)
    return { job, receipt: receipt.status === 200 ? receipt.data : null }
  } finally {
    await peer.stop()
  }
}

/**
 * Joins as a provider, anew where the gateway does not hear of it: it may turn a stranger away, and drop what one says, while
 * so many others come at once. What is tried is what the provider says of a job.
 */
async function listedSeller(target: AttackTarget, lie: (line: PlainLease) => Promise<void>): Promise<PlainPeer> {
  const market = { network: target.network, bootstrap: [target.peer] }
  for (let tries = 1; ; tries += 1) {
    const peer = await sellPlainly(market, {
      ...{ pricePerHour: PRICE, minimumCharge: 0n, pricePerGb: 0n, volumePerGbHour: 0n },
      // Nobody else's job is taken from the honest one.
      takes: ({ provider }, { id }) => provider === id,
      lease: lie,
    })
    if (await isListed(target, peer.id)) return peer
    await peer.stop()
    if (tries === TRIES) throw new Error(`The gateway heard of none of ${TRIES} providers`)
  }
}

async function isListed({ alice: { api } }: AttackTarget, id: string): Promise<boolean> {
  const until = performance.now() + LISTED_MS
  while (performance.now() < until) {
    if ((await api.call('GET', `/providers/${id}`)).status === 200) return true
    await delay(250)
  }
  return false
}

/** The most that may be billed, in dollars: with no grace after it, of the duration, however long the machine took. */
const MOST = usdNumber(costOf(PRICE, DURATION))

const claims: [what: string, seconds: number, claim: ReceiptInit][] = [
  ['36 s for next to nothing', 36, {}],
  ['8 s of a duration of 5', 8, {}],
  ['six seconds of a duration of 5', 6, {}],
  ['a month', 2_592_000, {}],
  ['another price', 1, { pricePerHour: 2n * PRICE, costNanoUsd: costOf(2n * PRICE, 1) }],
  ['a minimum charge that nobody agreed to', 1, { minimumCharge: 10n ** 12n, costNanoUsd: 10n ** 12n }],
  ['another fence', 1, { fence: 9 }],
  ['another start', 1, { startedAtMs: 1n }],
  ['another end', 1, { endedAtMs: 1n }],
  ['another outcome', 1, { outcome: 'failed' }],
  ['another network', 1, { network: 'elsewhere' }],
]

const unasked: [what: string, lie: (line: PlainLease) => Promise<void>][] = [
  ['an extension to 30 days', (line) => line.report({ case: 'extended', value: { durationSeconds: 2_592_000 } })],
  ['an extension by a second', (line) => line.report({ case: 'extended', value: { durationSeconds: DURATION + 1 } })],
  ['a duration that is over at once', (line) => line.report({ case: 'expired', value: {} })],
  [
    'an answer to what was not asked',
    (line) => line.say({ case: 'reply', value: { commandId: 'extend', ok: true, code: '', message: '' } }),
  ],
  [
    'samples of all times',
    async (line) => {
      for (const timestampMs of [0n, 1n, 2n ** 40n, BigInt(Date.now())]) {
        await line.report({ case: 'stats', value: { timestampMs, cpuMillis: 4_000_000_000 } })
      }
    },
  ],
  [
    'two hundred steps of a pull while it runs',
    async (line) => {
      for (let step = 0; step < 200; step += 1) {
        await line.report({ case: 'pulling', value: { image: 'x', layersDone: step, layersTotal: 200 } })
      }
    },
  ],
]

export const inputs: HostileInput[] = [
  ...claims.map(
    ([what, seconds, claim]): HostileInput => ({
      name: `entry 9: a receipt over ${what}`,
      async attempt(target) {
        const { job, receipt } = await withLiar(target, async (line) => {
          await line.started()
          await line.ended(seconds, claim)
        })
        assert.equal(receipt, null)
        assert.ok(job.cost.final <= MOST, `${job.cost.final}`)
      },
    }),
  ),
  ...unasked.map(
    ([what, lie]): HostileInput => ({
      name: `entry 8: ${what}, reported unasked`,
      async attempt(target) {
        const { job } = await withLiar(target, async (line) => {
          await line.started()
          await lie(line)
          await line.ended(1)
        })
        assert.equal(job.duration, DURATION)
        assert.deepEqual(
          job.events.filter(({ type }: { type: string }) => ['extended', 'expired', 'pulling'].includes(type)),
          [],
        )
        assert.ok(job.cost.final <= MOST, `${job.cost.final}`)
      },
    }),
  ),
  {
    name: 'entry 8: an end as cancelled that nobody asked for',
    async attempt(target) {
      const { job, receipt } = await withLiar(target, async (line) => {
        await line.started()
        await line.ended(1, {}, { outcome: 'cancelled' })
      })
      assert.deepEqual([job.status, job.error.code], ['failed', 'INTERNAL'])
      assert.ok(receipt === null || receipt.cost <= MOST)
    },
  },
  {
    name: 'entry 19: ten thousand heartbeats at once',
    async attempt(target) {
      let streams = 0
      const { job } = await withLiar(target, async (line) => {
        streams += 1
        await line.started()
        const numbers = Array.from({ length: streams === 1 ? 10_000 : 0 }, (_, i) => i + 1)
        // None waits for another: they are heard in as few turns of the loop as may be.
        await Promise.all(
          numbers.map((number) => line.say({ case: 'heartbeat', value: { number, meteredMs: 9_000_000_000n } })),
        )
        await line.ended(1)
      })
      assert.ok(job.cost.final <= MOST, `${job.cost.final}`)
    },
  },
]
