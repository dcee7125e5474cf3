import { randomUUID } from 'node:crypto'
import { chmod, link, mkdir, open, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKeyPair, privateKeyFromProtobuf, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import type { Ed25519PrivateKey } from '@libp2p/interface'

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
  return (await read(path)) ?? (await create(path))
}

async function read(path: string): Promise<Ed25519PrivateKey | undefined> {
  let text: string
  try {
    const { mode, size } = await stat(path)
    // Windows keeps no such bits; there the user's profile folder is what protects the file
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) throw tooOpen(path, mode)
    if (size > MAX_FILE_BYTES) throw corrupt(path)
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
  return parse(path, text)
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

/** Writes a new key beside its place and links it there: either all of it is there or none, and nothing is overwritten. */
async function create(path: string): Promise<Ed25519PrivateKey> {
  const privateKey = await generateKeyPair('Ed25519')
  const text = `${FIRST_LINE}\n${Buffer.from(privateKeyToProtobuf(privateKey)).toString('base64')}\n`
  const draft = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await chmod(draft, 0o600)
    await link(draft, path)
    return privateKey
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
    // another process of this data folder was quicker: its key is the one
    return (await read(path)) ?? fail(error)
  } finally {
    await rm(draft, { force: true })
  }
}

function fail(error: unknown): never {
  throw error
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code
}

function tooOpen(path: string, mode: number): IdentityError {
  const shown = (mode & 0o777).toString(8).padStart(4, '0')
  return new IdentityError(
    'IDENTITY_TOO_OPEN',
    `Others on this machine can read the private key ${path} (mode ${shown}). If nobody else has had it, run: chmod 600 ${path}; else move it away, and a new one is made with a new peer id`,
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
