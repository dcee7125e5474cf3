/** A provider that says anything of the volumes that it keeps: nothing is signed beyond the hours in which no job had them. */

import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '../../protocol/codec.ts'
import { type VolumeReceipt, VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { signStatement } from '../../protocol/statements.ts'
import { GIB } from '../../protocol/units.ts'
import { costOfKept } from '../../protocol/volume-receipts.ts'
import { createPayingRig, type PayingRig } from '../node/volumes/support/paying-rig.ts'

const LIES = 500
const PRICE = 7_654_321n

describe('a provider that lies about volumes', () => {
  it(`of ${LIES} random stories none is signed beyond the rule`, async () => {
    const random = seeded(20_261_130)
    const rig = await createPayingRig()
    let signed = 0
    for (let run = 0; run < LIES; run += 1) signed += await lie(rig, run, random)
    await rig.stop()
    // Some say nothing wrong: those are paid.
    assert.ok(signed > LIES / 10, `${signed} receipts were signed`)
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

/** One volume's life at a provider that says anything. How many receipts of it both sides signed. */
async function lie(rig: PayingRig, run: number, random: (below: number) => number): Promise<number> {
  const pick = <T>(of: readonly T[]): T => of[random(of.length)] as T
  const { clock, script, volumes } = rig
  const job = (n: number): string => `job_${run}_${n}`
  const [before, kept] = [rig.sent.length, rig.receipts.length]
  const keep = pick([60, 3_600, 86_400])
  const rarely = (): boolean => random(12) === 0
  let jobs = 1
  const id = await rig.begin(job(jobs), { price: PRICE, keep, size: '1Gi' })
  let [had, isOver] = [true, false]
  let freeMs = 0
  let sinceMs = clock.monotonicMs()
  /** What anybody may know of the hours in which no job had it: of each stretch no more than `keep`. */
  const trueMs = (): number => freeMs + (had ? 0 : Math.min(clock.monotonicMs() - sinceMs, keep * 1_000))
  const claim = (): bigint => BigInt(pick([0, 1, Math.floor(trueMs() / 1_000), 3_601, 10_000_000, 2 ** 50]))
  const tell = (over: boolean): void => {
    const one = {
      ...{ id: rarely() ? `vol_${'0'.repeat(26)}` : id, sizeBytes: pick([BigInt(GIB), 1n, 2n ** 50n]) },
      ...{ keepSeconds: pick([keep, 31_536_000]), idleSeconds: claim(), deleting: pick([true, false]), over },
      ...(pick([true, false]) ? { expiresInSeconds: pick([0, 60, 4_294_967_295]) } : {}),
    }
    script.tells = () => (rarely() ? pick([[], [one, one]]) : [one])
  }
  script.deletes = async () => {
    tell(pick([true, false]))
    if (random(3) === 0) return undefined
    // What is told meanwhile is heard before the refusal.
    await volumes.look(id)
    await clock.advance(1_000)
    return pick(['VOLUME_IN_USE', 'UNKNOWN_VOLUME'])
  }
  script.signs = async ({ payload }) => {
    const last = rig.sent.at(-1)?.receipt ?? assert.fail()
    if (rarely()) throw new Error('The link is cut')
    if (random(3) > 0) return await signStatement('volume-receipt', payload, rig.seller.privateKey)
    const other = { ...last, ...pick(CHANGES) } as VolumeReceipt
    const lied = encode(VolumeReceiptSchema, { ...other, costNanoUsd: costOfKept(other) })
    const key = pick([rig.seller.privateKey, rig.buyer.privateKey])
    return pick([undefined, 'NOT_AGREED', await signStatement('volume-receipt', lied, key)])
  }
  for (let step = 0; step < 8; step += 1) {
    await clock.advance(pick([0, 500, 60_000, 3_600_000, 7_200_000, 90_000_000]))
    tell(rarely())
    const what = random(6)
    const isThere = volumes.get(id)?.state === 'kept'
    if (what > 2 && had) {
      rig.end(job(jobs))
      ;[had, sinceMs] = [false, clock.monotonicMs()]
    } else if (what === 1 && !had && isThere && !isOver) {
      freeMs = trueMs()
      had = true
      jobs += 1
      await rig.begin(job(jobs), { volume: id })
    } else if (what === 2 && !had && isThere) {
      await volumes.delete(id).catch(() => undefined) // as the provider's story has it
      isOver = true
    }
    await volumes.look(id)
    check(rig, { id, before, mostSeconds: Math.floor(trueMs() / 1_000) }, `run ${run}, step ${step}`)
  }
  return rig.receipts.length - kept
}

const CHANGES: object[] = [
  { seconds: 1_000_000n },
  { secondsBefore: 1_000_000n },
  { number: 7 },
  { pricePerGbHour: PRICE * 10n },
  { sizeBytes: 2n ** 40n },
  { network: 'other' },
  { signedAtMs: 1n },
]

/** Of each number one statement, all of them at the agreed price and size, together no more than is true. */
function check(
  rig: PayingRig,
  { id, before, mostSeconds }: { id: string; before: number; mostSeconds: number },
  where: string,
): void {
  const byNumber = new Map<number, string>()
  let seconds = 0n
  let cost = 0n
  for (const { receipt, statement } of rig.sent.slice(before).filter((one) => one.receipt.volumeId === id)) {
    const payload = Buffer.from(statement.payload).toString('hex')
    assert.equal(
      byNumber.get(receipt.number) ?? payload,
      payload,
      `${where}: two statements of number ${receipt.number}`,
    )
    if (byNumber.has(receipt.number)) continue
    byNumber.set(receipt.number, payload)
    assert.deepEqual(
      [receipt.pricePerGbHour, receipt.sizeBytes, receipt.secondsBefore],
      [PRICE, BigInt(GIB), seconds],
      where,
    )
    seconds += receipt.seconds
    cost += receipt.costNanoUsd
  }
  assert.ok(seconds <= BigInt(mostSeconds), `${where}: ${seconds} s signed of ${mostSeconds}`)
  assert.equal(cost, (PRICE * seconds) / 3_600n, where)
  for (const { volumeId, number, signed } of rig.receipts.filter((one) => one.volumeId === id)) {
    assert.ok(byNumber.has(number), `${where}: ${volumeId} has a receipt that was never sent`)
    assert.notEqual(signed.provider, signed.requester, where)
  }
}
