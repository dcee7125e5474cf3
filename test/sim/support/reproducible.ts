/**
 * What would make two runs of one seed differ, or slow: randomness, and signatures. Ids (of requests, bids, commands and
 * jobs) are left random: nothing in the market decides or orders by them while every provider is asked.
 */

import { hash } from 'node:crypto'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'

/** `Math.random` from a seed (mulberry32), until the returned function is called. */
export function seedRandom(seed: number): () => void {
  const before = Math.random
  let state = seed >>> 0
  Math.random = () => {
    state = (state + 0x6d2b79f5) >>> 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) / 2 ** 32
  }
  return () => {
    Math.random = before
  }
}

/**
 * Signatures that cost microseconds: a digest of key and message, checked as strictly as real ones. Nobody in the model
 * forges; forgery is tried in the tests of the statements and of hostile peers.
 */
export async function useCheapSignatures(): Promise<void> {
  const key = await keyOf(255)
  const digest = (raw: Uint8Array, data: Uint8Array): Buffer => hash('sha512', Buffer.concat([raw, data]), 'buffer')
  Object.assign(Object.getPrototypeOf(key), {
    sign(this: PrivateKey, data: Uint8Array) {
      return digest(this.publicKey.raw, data)
    },
  })
  Object.assign(Object.getPrototypeOf(key.publicKey), {
    verify(this: PrivateKey, data: Uint8Array, signature: Uint8Array) {
      return digest(this.raw, data).equals(signature)
    },
  })
}

const keys = new Map<number, Promise<PrivateKey>>()

/** The key of a peer of the model; the same number is the same key. @param seed 0..255 */
export function keyOf(seed: number): Promise<PrivateKey> {
  const known = keys.get(seed)
  if (known !== undefined) return known
  const made = generateKeyPairFromSeed('Ed25519', new Uint8Array(32).fill(seed))
  keys.set(seed, made)
  return made
}
