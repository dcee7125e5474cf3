import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type MessageInitShape, toBinary } from '@bufbuild/protobuf'
import { encode } from '../../../protocol/codec.ts'
import { ReceiptSchema, SignedStatementSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { signStatement } from '../../../protocol/statements.ts'
import { type Cortex, openCortex } from '../../gateway/support/cortex.ts'
import { provider, RECEIPT, requester } from '../../protocol/samples.ts'

let cortex: Cortex

async function signed(key: typeof provider.key, change: MessageInitShape<typeof ReceiptSchema> = {}): Promise<string> {
  const statement = await signStatement('receipt', encode(ReceiptSchema, { ...RECEIPT, ...change }), key)
  return Buffer.from(toBinary(SignedStatementSchema, statement)).toString('base64')
}

async function verify(receipt: unknown, ...flags: string[]) {
  const file = join(cortex.folder, 'receipt.json')
  await writeFile(file, JSON.stringify(receipt))
  return await cortex.run(['receipt', 'verify', file, ...flags])
}

describe('cortex receipt verify', () => {
  before(async () => {
    cortex = await openCortex()
  })
  after(async () => await cortex.close())

  it('takes what both sides signed, bare or as the API answers it', async () => {
    const both = { provider: await signed(provider.key), requester: await signed(requester.key) }
    const receipt = { jobId: RECEIPT.jobId, cost: 0.006101694, signed: both }
    const { code, out, err } = await verify(receipt, '--provider', provider.id, '--requester', requester.id)
    assert.equal(code, 0, err)
    assert.match(out, /3601 s at \$0\.0061\/h is \$0\.006101694/)
    const answer = await verify({ success: true, data: receipt }, '--json')
    assert.deepEqual(JSON.parse(answer.out).valid, true)
  })

  it('knows a minimum charge, and refuses less and more than it', async () => {
    const least = async (minimumCharge: bigint, costNanoUsd: bigint) => {
      const change = { minimumCharge, costNanoUsd }
      const signatures = {
        provider: await signed(provider.key, change),
        requester: await signed(requester.key, change),
      }
      return await verify({ minimumCharge: Number(minimumCharge) / 1e9, signed: signatures })
    }
    const { code, out, err } = await least(7_000_000n, 7_000_000n)
    assert.equal(code, 0, err)
    assert.match(out, /3601 s at \$0\.0061\/h, at least \$0\.007, is \$0\.007/)
    for (const cost of [6_101_694n, 6_999_999n, 7_000_001n]) {
      assert.match((await least(7_000_000n, cost)).err, /cost_nano_usd/)
    }
    assert.equal((await least(1n, 6_101_694n)).code, 0, 'its use is more')
  })

  it('refuses anything else, saying what is wrong', async () => {
    const good = { provider: await signed(provider.key), requester: await signed(requester.key) }
    const broken = Buffer.from(good.provider, 'base64')
    broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
    const dear = { costNanoUsd: 7_000_000n }
    const cases: [name: string, receipt: unknown, flags: string[], line: RegExp][] = [
      ['a changed byte', { signed: { ...good, provider: broken.toString('base64') } }, [], /provider’s part/],
      ['one side twice', { signed: { ...good, requester: good.provider } }, [], /signed by .* where the requester is/],
      ['one side missing', { signed: { provider: good.provider } }, [], /no signature of the requester/],
      [
        'two statements',
        { signed: { ...good, requester: await signed(requester.key, { exitCode: 1 }) } },
        [],
        /different statements/,
      ],
      [
        'wrong arithmetic',
        { signed: { provider: await signed(provider.key, dear), requester: await signed(requester.key, dear) } },
        [],
        /cost_nano_usd/,
      ],
      ['a doctored copy', { cost: 99, signed: good }, [], /cost says 99, and what was signed is 0\.006101694/],
      ['another provider', { signed: good }, ['--provider', requester.id], /its provider is/],
      ['no receipt', 42, [], /holds no receipt/],
    ]
    for (const [name, receipt, flags, line] of cases) {
      const { code, out, err } = await verify(receipt, ...flags)
      assert.deepEqual([code, out], [1, ''], name)
      assert.match(err, line, name)
      assert.match(err, /^cortex: [^\n]+\n$/, name)
    }
  })
})
