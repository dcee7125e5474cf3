import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { encode } from '../../protocol/codec.ts'
import { VolumeReceiptSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { MAX_PRICE_NANO_USD } from '../../protocol/limits.ts'
import { keepingCost } from '../../protocol/money.ts'
import { signStatement } from '../../protocol/statements.ts'
import { checkVolumeReceipt, costOfKept } from '../../protocol/volume-receipts.ts'
import { NETWORK, NOW_MS, provider, requester } from './samples.ts'

const RECEIPT = {
  network: NETWORK,
  volumeId: 'vol_5d41402abc4b2a76b9719d911f',
  requester: requester.id,
  provider: provider.id,
  number: 2,
  sizeBytes: 10n * 2n ** 30n,
  pricePerGbHour: 100_000n,
  secondsBefore: 3_600n,
  seconds: 1_800n,
  costNanoUsd: 500_000n,
  signedAtMs: BigInt(NOW_MS),
} satisfies MessageInitShape<typeof VolumeReceiptSchema>

/** Written down once: what both sides signed has to be read for ever. */
const GOLDEN =
  '0a0474657374121e766f6c5f35643431343032616263346232613736623937313964393131661a0172220170280230808080802838a08d0640901c48880e50a0c21e5880b883a1f732'

const checked = async (changes: MessageInitShape<typeof VolumeReceiptSchema>, key = provider.key) =>
  await checkVolumeReceipt(
    await signStatement('volume-receipt', encode(VolumeReceiptSchema, { ...RECEIPT, ...changes }), key),
  )

describe('receipts of volumes', () => {
  it('have one form on the wire', () => {
    assert.equal(
      Buffer.from(encode(VolumeReceiptSchema, { ...RECEIPT, requester: 'r', provider: 'p' })).toString('hex'),
      GOLDEN,
    )
  })

  it('are taken from either side, and say which', async () => {
    assert.equal((await checked({})).signer, provider.id)
    assert.equal((await checked({}, requester.key)).signer, requester.id)
  })

  const wrong: [field: string, changes: MessageInitShape<typeof VolumeReceiptSchema>][] = [
    ['volume_id', { volumeId: 'vol_1' }],
    ['requester', { requester: 'somebody' }],
    ['number', { number: 0 }],
    ['size_bytes', { sizeBytes: 2n ** 60n }],
    ['price_per_gb_hour', { pricePerGbHour: MAX_PRICE_NANO_USD + 1n }],
    ['seconds', { seconds: 0n, costNanoUsd: 0n }],
    ['seconds', { seconds: 2n ** 63n }],
    ['cost_nano_usd', { costNanoUsd: 500_001n }],
    ['cost_nano_usd', { costNanoUsd: 0n }],
    ['cost_nano_usd', { seconds: 1_801n }],
    ['signed_at_ms', { signedAtMs: 2n ** 53n - 1n }],
    ['network', { network: 'a\nb' }],
  ]
  for (const [i, [field, changes]] of wrong.entries()) {
    it(`are refused naming ${field} (case ${i})`, async () => {
      await assert.rejects(checked(changes), { name: 'WireError', code: 'INVALID_FIELD', field })
    })
  }

  it('are no receipts of jobs, and not signed by anybody else', async () => {
    const payload = encode(VolumeReceiptSchema, RECEIPT)
    await assert.rejects(checkVolumeReceipt(await signStatement('receipt', payload, provider.key)), {
      code: 'BAD_SIGNATURE',
    })
    await assert.rejects(checked({ provider: requester.id, requester: requester.id }), { code: 'WRONG_SIGNER' })
  })

  it('add up to the whole, however the time is divided', () => {
    const price = fc.bigInt(0n, MAX_PRICE_NANO_USD)
    fc.assert(
      fc.property(
        price,
        fc.bigInt(0n, 2n ** 46n),
        fc.array(fc.bigInt(1n, 10_000n)),
        (pricePerGbHour, sizeBytes, parts) => {
          let [secondsBefore, sum] = [0n, 0n]
          for (const seconds of parts) {
            sum += costOfKept({ sizeBytes, pricePerGbHour, secondsBefore, seconds })
            secondsBefore += seconds
          }
          return sum === keepingCost(pricePerGbHour, sizeBytes * secondsBefore)
        },
      ),
    )
  })
})
