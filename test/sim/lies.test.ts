/** A provider that says anything, in any order: nothing is signed or billed beyond what the requester's own clock allows. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { fromBinary } from '@bufbuild/protobuf'
import { HEARTBEAT_MS } from '../../node/market/leases/lease-follower.ts'
import { ReceiptSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { chargeOf, meteredSeconds } from '../../protocol/money.ts'
import { createLeaseRig, type LeaseRig, type ReportInit } from '../support/lease-rig.ts'

const LIES = 2_000
const TERMS = { pricePerHour: 3_600_000n, minimumCharge: 1_000n, pricePerGb: 5_000_000n, volumePerGbHour: 0n }
/** What every second job may send and receive, in bytes; the others do not say, so nobody pays for that. */
const MOST_BYTES = 2 ** 30
/** A machine that others use hears as many of the same lies as it can in this time, and these at least. */
const LONGEST_MS = 6 * 60_000
const LEAST_LIES = 100

describe('a provider that lies', { timeout: 25 * 60_000 }, () => {
  it(`entry 9: of ${LIES} random lies, or as many as there is time for, none is signed beyond the rule`, async (test) => {
    const random = seeded(20_261_128)
    const endMs = performance.now() + LONGEST_MS
    const isEnough = (): boolean => runs >= LIES || (runs >= LEAST_LIES && performance.now() > endMs)
    let signed = 0
    let runs = 0
    while (!isEnough()) {
      const rig = await createLeaseRig({ terms: TERMS })
      // Once it is refused for its lies, another one goes on.
      const isRefused = (): boolean => 'peer_refused' in rig.buyer.network.counters().refused
      for (; !isEnough() && !isRefused(); runs += 1) signed += (await lie(rig, random)) ? 1 : 0
      await rig.stop()
    }
    test.diagnostic(`${runs} lies`)
    // Some lies are none: what is within the rule is signed.
    assert.ok(signed > runs / 100 && signed < runs * 0.95, `${signed} of ${runs} were signed`)
  })
})

/** The same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** One job at a provider that says anything, in any order. Whether the requester signed. */
async function lie(rig: LeaseRig, random: (below: number) => number): Promise<boolean> {
  const pick = <T>(of: readonly T[]): T => of[random(of.length)] as T
  const duration = pick([1, 2, 5, 60, 3_600])
  const before = rig.signed().length
  const mostBytes = pick([0, MOST_BYTES])
  const limit = mostBytes === 0 ? {} : { maxNetwork: String(mostBytes) }
  const id = await rig.place({ duration, stopGraceSeconds: 0, ...limit })
  const { clock } = rig
  let heardMs: number | null = null
  const someTime = (): number =>
    pick([0, 1, rig.providerNow(), rig.providerNow() + 3_600_000, rig.providerNow() - 50_000])
  let startedAtMs = 0n
  for (let step = random(6); step >= 0; step -= 1) {
    await clock.advance(pick([0, 1, 700, 2_000, 4_900]))
    const what = pick([
      'beat',
      'beat',
      'pulling',
      'started',
      'started',
      'extended',
      'expired',
      'logs',
      'stats',
      'reply',
    ])
    if (what === 'beat') {
      await rig.beat(pick([0, 1, 5_000, 10_000_000]), random(5), pick([0, 0, 5, 2 ** 29, 2 ** 30, 2 ** 33]))
    } else if (what === 'reply') {
      await rig.say({ case: 'reply', value: { commandId: 'x', ok: true, code: '', message: '' } })
    } else if (what === 'started') {
      if (heardMs !== null) continue
      startedAtMs = BigInt(someTime())
      await rig.report({ case: 'started', value: { startedAtMs } }, someTime())
      if ((await rig.job(id)).state.status === 'running') heardMs = clock.monotonicMs()
    } else await rig.report(nonsense(what, random), someTime())
  }
  await clock.advance(pick([0, 300, 1_000, 3_000, 20_000]))
  const nowMs = clock.monotonicMs()
  const state = (await rig.job(id)).state.status
  const endedAtMs = BigInt(someTime())
  const seconds = pick([0, 1, 2, 3, 5, 6, 10, 60, 61, 100, 3_600, 4_000, 1_000_000])
  const claim = pick<object>([
    {},
    {},
    {},
    {
      pricePerHour: 7_200_000n,
      costNanoUsd: chargeOf({ ...TERMS, pricePerHour: 7_200_000n }, { seconds, networkBytes: 0 }),
    },
    { networkBytes: 2n ** 29n },
    { networkBytes: 2n ** 30n },
    { networkBytes: 2n ** 30n + 1n },
    { networkBytes: 2n ** 40n },
    { pricePerGb: 10_000_000n },
    { costNanoUsd: 1_000_000_000n },
    { minimumCharge: 2_000n },
    { fence: 7 },
    { jobId: 'job_01h455vb4pex5vsknk084sn02q' },
  ])
  const outcome = pick(['exited', 'exited', 'exited', 'failed', 'cancelled'])
  const exitCode = pick([0, 0, 1])
  const receipt = await rig.receipt(seconds, { startedAtMs, endedAtMs, outcome, exitCode, ...claim })
  const failureCode =
    outcome === 'failed' ? pick(['INTERNAL', 'NON_ZERO_EXIT', 'DURATION_EXCEEDED', 'NETWORK_ERROR']) : ''
  await rig.report({ case: 'ended', value: { outcome, exitCode, endedAtMs, failureCode, receipt } }, someTime())
  const job = await rig.job(id)
  const lease = await rig.lease(id)
  // What the requester would not hear ends here.
  if (job.state.status === 'scheduled' || job.state.status === 'running') {
    await rig.requester.cancel(id)
    await rig.when(async () => {
      await clock.advance(30_000)
      return !['scheduled', 'running'].includes((await rig.job(id)).state.status)
    })
  }
  const given = rig.signed().slice(before)
  const knownMs = heardMs === null ? 0 : nowMs - heardMs + HEARTBEAT_MS
  const most = state === 'running' ? Math.min(duration, meteredSeconds(knownMs)) : 0
  assert.ok(meteredSeconds(lease?.meteredMs ?? 0) <= most, `${lease?.meteredMs} ms of ${knownMs}, ${duration} s`)
  assert.ok((lease?.networkBytes ?? 0) <= mostBytes, `${lease?.networkBytes} of ${mostBytes} bytes`)
  for (const { payload } of given) {
    const signed = fromBinary(ReceiptSchema, payload)
    assert.ok(Number(signed.meteredSeconds) <= most, `${signed.meteredSeconds} s of ${most}`)
    assert.ok(Number(signed.networkBytes) <= mostBytes, `${signed.networkBytes} of ${mostBytes} bytes`)
    assert.ok(signed.costNanoUsd <= chargeOf(TERMS, { seconds: duration, networkBytes: mostBytes }))
    assert.deepEqual([signed.jobId, signed.pricePerHour, signed.pricePerGb], [id, TERMS.pricePerHour, TERMS.pricePerGb])
  }
  return given.length > 0
}

function nonsense(what: string, random: (below: number) => number): ReportInit {
  switch (what) {
    case 'pulling':
      return { case: 'pulling', value: { image: 'x', layersDone: random(9), layersTotal: 3 } }
    case 'extended':
      return { case: 'extended', value: { durationSeconds: 1 + random(2_592_000) } }
    case 'expired':
      return { case: 'expired', value: {} }
    case 'stats':
      return { case: 'stats', value: { timestampMs: BigInt(random(2 ** 31)), cpuMillis: 1 } }
    default:
      return { case: 'logs', value: { firstLine: 1n, lines: [{ timestampMs: 5n, line: '', stderr: false }] } }
  }
}
