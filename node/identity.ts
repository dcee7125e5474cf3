import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'
import { keptPrivateFile } from './private-file.ts'

const KEY_FILE = 'identity.key'
const FIRST_LINE = 'cortex-node ed25519 private key, version 1'

/** The largest key file read, in bytes: two lines. */
const MAX_FILE_BYTES = 1_024

/**
 * The peer's key, from `identity.key` in the data folder; made on first use. The folder gets mode 0700, the file 0600.
 *
 * @throws {IdentityError} where the file cannot be trusted or understood; it is never replaced.
 */
export async function loadIdentity(dataDir: string): Promise<Ed25519PrivateKey> {
  const path = join(dataDir, KEY_FILE)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const file = await keptPrivateFile(path, MAX_FILE_BYTES, newKeyFile)
  if ('text' in file) return parse(path, file.text)
  throw file.problem === 'too_open' ? tooOpen(path, file.mode) : corrupt(path)
}

function parse(path: string, text: string): Ed25519PrivateKey {
  const [first, key = '', ...rest] = text.trimEnd().split('\n')
  if (first !== FIRST_LINE || rest.length > 0) throw corrupt(path)
  try {
    const privateKey = privateKeyFromProtobuf(Buffer.from(key, 'base64'))
    if (privateKey.type === 'Ed25519') return privateKey
  } catch (cause) {
    throw corrupt(path, cause)
  }
  throw corrupt(path)
}

async function newKeyFile(): Promise<string> {
  const key = privateKeyToProtobuf(await generateKeyPair('Ed25519'))
  return `${FIRST_LINE}\n${Buffer.from(key).toString('base64')}\n`
}

function tooOpen(path: string, mode: string): IdentityError {
  return new IdentityError(
    'IDENTITY_TOO_OPEN',
    `Others on this machine can read the private key ${path} (mode ${mode}). If nobody else has had it, run: chmod 600 ${path}; else move it away, and a new one is made with a new peer id`,
  )
}

function corrupt(path: string, cause?: unknown): IdentityError {
  return new IdentityError(
    'IDENTITY_CORRUPT',
    `${path} holds no key of this program. Put back a copy of it, or move it away, and a new one is made with a new peer id`,
    { cause },
  )
}

/** The key file must not be used as it is; the message names it and the way out. */
class IdentityError extends Error {
  override readonly name = 'IdentityError'
  readonly code: 'IDENTITY_TOO_OPEN' | 'IDENTITY_CORRUPT'

  constructor(code: IdentityError['code'], message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
