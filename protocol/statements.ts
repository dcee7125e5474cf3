/**
 * Statements that a peer signs and another can show to a third: announcements, bids, awards, receipts of jobs and volumes.
 *
 * The signature covers `cortex-node/KIND/1`, a zero byte and the payload, so that bytes signed as one kind never pass as
 * another. Only Ed25519 keys are taken: their size is fixed, and the peer id holds the key itself.
 */

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { publicKeyFromRaw, publicKeyToProtobuf } from '@libp2p/crypto/keys'
import type { PrivateKey, PublicKey } from '@libp2p/interface'
import { peerIdFromPublicKey } from '@libp2p/peer-id'
import { type SignedStatement, SignedStatementSchema } from './gen/cortex/v1/market_pb.js'
import { WireError } from './wire-error.ts'

/** What was signed; it is part of the signed bytes. */
export type StatementKind = 'announcement' | 'bid' | 'award' | 'receipt' | 'volume-receipt'

/**
 * What comes before the 32 bytes of an Ed25519 key in its protobuf form: type 1, data of 32 bytes. Compared rather than
 * parsed, so that a signed statement has one form only.
 */
const KEY_FRAME = Uint8Array.of(0x08, 0x01, 0x12, 0x20)
const PUBLIC_KEY_BYTES = KEY_FRAME.length + 32
const SIGNATURE_BYTES = 64

/** A payload, already encoded, with this peer's key and its signature. */
export async function signStatement(
  kind: StatementKind,
  payload: Uint8Array,
  privateKey: PrivateKey,
): Promise<SignedStatement> {
  return create(SignedStatementSchema, {
    payload,
    publicKey: publicKeyToProtobuf(privateKey.publicKey),
    signature: await privateKey.sign(signedBytes(kind, payload)),
  })
}

/**
 * Checks the signature and answers who signed. The caller compares that peer id with the one the payload names.
 *
 * @throws {WireError} `BAD_SIGNATURE`
 */
export async function openStatement(
  kind: StatementKind,
  statement: SignedStatement,
): Promise<{ payload: Uint8Array; signer: string }> {
  const { payload, publicKey, signature } = statement
  if (publicKey.length !== PUBLIC_KEY_BYTES || signature.length !== SIGNATURE_BYTES) throw badSignature(kind)
  if (Buffer.compare(publicKey.subarray(0, KEY_FRAME.length), KEY_FRAME) !== 0) throw badSignature(kind)
  const key = publicKeyFromRaw(publicKey.subarray(KEY_FRAME.length))
  if (!(await verifies(key, signedBytes(kind, payload), signature))) throw badSignature(kind)
  return { payload, signer: peerIdFromPublicKey(key).toString() }
}

/** Base64, as it is kept. */
export function packStatement(statement: SignedStatement): string {
  return Buffer.from(toBinary(SignedStatementSchema, statement)).toString('base64')
}

/** What {@link packStatement} made. */
export function unpackStatement(text: string): SignedStatement {
  return fromBinary(SignedStatementSchema, Buffer.from(text, 'base64'))
}

async function verifies(key: PublicKey, data: Uint8Array, signature: Uint8Array): Promise<boolean> {
  try {
    return await key.verify(data, signature)
  } catch {
    return false // 32 bytes that are no point of the curve: whatever the library makes of them, nobody signed
  }
}

function badSignature(kind: StatementKind): WireError {
  return new WireError('BAD_SIGNATURE', `The signature of the ${kind} does not verify`)
}

function signedBytes(kind: StatementKind, payload: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.from(`cortex-node/${kind}/1\0`), payload])
}
