import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { create } from '@bufbuild/protobuf'
import { generateKeyPair, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import fc from 'fast-check'
import { type SignedStatement, SignedStatementSchema } from '../../protocol/gen/cortex/v1/market_pb.js'
import { openStatement, type StatementKind, signStatement } from '../../protocol/statements.ts'
import { WireError } from '../../protocol/wire-error.ts'
import { bytes, provider, stranger } from './samples.ts'

const KINDS: StatementKind[] = ['announcement', 'bid', 'award', 'receipt']
const PAYLOAD = Buffer.from('what is said')

interface Golden {
  payload: string
  publicKey: string
  signer: string
  statements: { kind: StatementKind; signature: string }[]
}
const golden: Golden = JSON.parse(readFileSync(new URL('fixtures/statements.json', import.meta.url), 'utf8'))
const hex = (text: string): Uint8Array<ArrayBuffer> => Uint8Array.from(Buffer.from(text, 'hex'))

async function assertRefused(kind: StatementKind, statement: SignedStatement, what: string): Promise<void> {
  await assert.rejects(openStatement(kind, statement), { name: 'WireError', code: 'BAD_SIGNATURE' }, what)
}

describe('golden statements', () => {
  for (const { kind, signature } of golden.statements) {
    it(kind, async () => {
      const signed = await signStatement(kind, hex(golden.payload), provider.key)
      const fixture = create(SignedStatementSchema, {
        payload: hex(golden.payload),
        publicKey: hex(golden.publicKey),
        signature: hex(signature),
      })
      assert.equal(Buffer.from(signed.signature).toString('hex'), signature)
      assert.equal(Buffer.from(signed.publicKey).toString('hex'), golden.publicKey)
      assert.equal((await openStatement(kind, fixture)).signer, golden.signer)
    })
  }

  it('are there for every kind', () =>
    assert.deepEqual(
      golden.statements.map(({ kind }) => kind),
      KINDS,
    ))
})

describe('a statement', () => {
  it('opens to its payload and its signer', async () => {
    for (const kind of KINDS) {
      const opened = await openStatement(kind, await signStatement(kind, PAYLOAD, provider.key))
      assert.deepEqual(opened, { payload: PAYLOAD, signer: provider.id }, kind)
    }
  })

  it('never opens as another kind', async () => {
    for (const signedAs of KINDS) {
      const statement = await signStatement(signedAs, PAYLOAD, provider.key)
      for (const readAs of KINDS.filter((kind) => kind !== signedAs)) {
        await assertRefused(readAs, statement, `${signedAs} as ${readAs}`)
      }
    }
  })

  it('never opens with its kind moved into the payload', async () => {
    const statement = await signStatement('bid', PAYLOAD, provider.key)
    statement.payload = Buffer.concat([Buffer.from('1\0'), PAYLOAD])
    await assertRefused('bid', statement, 'a longer payload')
  })

  for (const part of ['payload', 'publicKey', 'signature'] as const) {
    it(`never opens after any bit of its ${part} was changed`, async () => {
      const statement = await signStatement('award', PAYLOAD, provider.key)
      for (let bit = 0; bit < statement[part].length * 8; bit++) {
        const changed = Uint8Array.from(statement[part])
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        await assertRefused('award', { ...statement, [part]: changed }, `bit ${bit}`)
      }
    })

    it(`never opens with its ${part} cut short or made longer`, async () => {
      const statement = await signStatement('award', PAYLOAD, provider.key)
      const whole = statement[part]
      const others = [new Uint8Array(), whole.subarray(1), whole.subarray(0, -1), Buffer.concat([whole, bytes(1, 0)])]
      for (const other of others) await assertRefused('award', { ...statement, [part]: other }, `${other.length} bytes`)
    })
  }

  it('names who signed it, not whose key was swapped in', async () => {
    const statement = await signStatement('bid', PAYLOAD, provider.key)
    const swapped = { ...statement, publicKey: publicKeyToProtobuf(stranger.key.publicKey) }
    await assertRefused('bid', swapped, 'another key')
  })

  it('is refused from keys of other kinds', async () => {
    for (const type of ['secp256k1', 'ECDSA'] as const) {
      await assertRefused('bid', await signStatement('bid', PAYLOAD, await generateKeyPair(type)), type)
    }
  })

  it('throws WireError and nothing else, for any key and signature', async () => {
    const part = (length: number) =>
      fc.oneof(fc.uint8Array({ minLength: length, maxLength: length }), fc.uint8Array({ maxLength: 80 }))
    const framed = fc
      .uint8Array({ minLength: 32, maxLength: 32 })
      .map((key) => Uint8Array.from([0x08, 0x01, 0x12, 0x20, ...key]))
    const anything = fc.tuple(fc.uint8Array(), fc.oneof(framed, part(36)), part(64))
    await fc.assert(
      fc.asyncProperty(anything, async ([payload, publicKey, signature]) => {
        const statement = create(SignedStatementSchema, {
          payload: Uint8Array.from(payload),
          publicKey: Uint8Array.from(publicKey),
          signature: Uint8Array.from(signature),
        })
        await assert.rejects(openStatement('bid', statement), (error) => error instanceof WireError)
      }),
      { numRuns: 300 },
    )
  })
})
