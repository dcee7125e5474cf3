import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { settleReceipt } from '../../../../node/market/leases/receipts.ts'
import type { Lease } from '../../../../node/store/index.ts'
import { attemptCost } from '../../../../node/views/cost.ts'
import { encode } from '../../../../protocol/codec.ts'
import { ReceiptSchema, Report_EndedSchema } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import { costOf } from '../../../../protocol/money.ts'
import { signStatement } from '../../../../protocol/statements.ts'
import { provider, RECEIPT, requester } from '../../../protocol/samples.ts'

const LEASE = {
  provider: provider.id,
  fence: RECEIPT.fence,
  requirementsDigest: Buffer.from(RECEIPT.requirementsDigest).toString('hex'),
  pricePerHour: String(RECEIPT.pricePerHour),
  meteredMs: 60_000,
} as Lease

async function settle(
  lease: Lease,
  claim: Partial<Record<'minimumCharge' | 'meteredSeconds' | 'costNanoUsd' | 'networkBytes' | 'pricePerGb', bigint>>,
  failureCode = '',
  maxNetworkBytes = 0,
) {
  const payload = encode(ReceiptSchema, { ...RECEIPT, ...claim })
  const receipt = await signStatement('receipt', payload, provider.key)
  return await settleReceipt(create(Report_EndedSchema, { receipt, failureCode }), {
    ...{ lease, jobId: RECEIPT.jobId, requester: requester.id, networkName: RECEIPT.network },
    ...{ seenMs: 3_601_000, maxNetworkBytes, privateKey: requester.key },
  })
}

describe('the requester’s half of a receipt', () => {
  it('is given to exactly what price, minimum and time make, whatever is claimed', async () => {
    const claims = fc.record({
      agreed: fc.bigInt(0n, 10_000_000n),
      seconds: fc.integer({ min: 0, max: 3_601 }),
      // What a provider might rather be paid.
      skew: fc.constantFrom(-1n, 0n, 0n, 1n),
    })
    await fc.assert(
      fc.asyncProperty(claims, async ({ agreed, seconds, skew }) => {
        const use = costOf(RECEIPT.pricePerHour, seconds)
        const missing = agreed - use
        const due = seconds === 0 ? 0n : use + (missing > 0n ? missing : 0n)
        const costNanoUsd = due + skew < 0n ? due : due + skew
        const claim = { minimumCharge: agreed, meteredSeconds: BigInt(seconds), costNanoUsd }
        const { countersigned, end } = await settle({ ...LEASE, minimumCharge: String(agreed) }, claim)
        assert.equal(countersigned !== null, costNanoUsd === due)
        assert.equal(end.receipt !== null, costNanoUsd === due)
      }),
      { numRuns: 60 },
    )
  })

  it('is not given to another minimum than was agreed, nor to one where none was', async () => {
    const claim = { minimumCharge: 7_000_000n, costNanoUsd: 7_000_000n }
    assert.notEqual((await settle({ ...LEASE, minimumCharge: '7000000' }, claim)).countersigned, null)
    assert.equal((await settle({ ...LEASE, minimumCharge: '6000000' }, claim)).countersigned, null)
    assert.equal((await settle(LEASE, claim)).countersigned, null)
  })

  it('is given to no minimum where the provider says that it failed itself', async () => {
    const lease = { ...LEASE, minimumCharge: '7000000' }
    const claim = { minimumCharge: 7_000_000n, costNanoUsd: 7_000_000n }
    assert.equal((await settle(lease, claim, 'INTERNAL')).countersigned, null)
    const { countersigned, end } = await settle(lease, {}, 'INTERNAL')
    assert.notEqual(countersigned, null)
    assert.equal(attemptCost({ ...lease, ...end } as Lease, true), RECEIPT.costNanoUsd)
    for (const code of ['', 'NON_ZERO_EXIT', 'NETWORK_ERROR']) {
      assert.equal((await settle(lease, {}, code)).countersigned, null)
      const { end: whole } = await settle(lease, claim, code)
      assert.equal(attemptCost({ ...lease, ...whole } as Lease, true), 7_000_000n)
    }
  })

  it('is given to no traffic beyond what the job may cause, nor at another price', async () => {
    const perGb = 10_000_000n
    const lease = { ...LEASE, pricePerGb: String(perGb), networkBytes: 2 ** 20 }
    const claim = (bytes: number, pricePerGb = perGb) => ({
      ...{ networkBytes: BigInt(bytes), pricePerGb },
      costNanoUsd: RECEIPT.costNanoUsd + (pricePerGb * BigInt(bytes)) / 2n ** 30n,
    })
    const { countersigned, end } = await settle(lease, claim(2 ** 30), '', 2 ** 30)
    assert.notEqual(countersigned, null)
    assert.equal(attemptCost({ ...lease, ...end } as Lease, true), RECEIPT.costNanoUsd + perGb)
    for (const [what, claimed, most] of [
      ['more than it may', claim(2 ** 30 + 1), 2 ** 30],
      ['any, where it named no limit', claim(1), 0],
      ['another price', claim(2 ** 30, 2n * perGb), 2 ** 30],
      ['another cost', { ...claim(2 ** 30), costNanoUsd: RECEIPT.costNanoUsd }, 2 ** 30],
    ] as const) {
      assert.equal((await settle(lease, claimed, '', most)).countersigned, null, what)
    }
    const { end: unsigned } = await settle(lease, claim(2 ** 31), '', 2 ** 30)
    assert.deepEqual([unsigned.networkBytes, unsigned.claimedBytes], [2 ** 20, 2 ** 31])
  })

  it('is given to a receipt from before minimum charges', async () => {
    assert.notEqual((await settle(LEASE, {})).countersigned, null)
  })
})
