import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ParsedKey } from 'ssh2'
import { keptPrivateFile } from '../private-file.ts'
import { loadSsh2 } from './load.ts'
import { parsePublicKey } from './public-key.ts'

/** The largest file of one, in bytes: such a key takes 400. */
const MAX_FILE_BYTES = 16 * 1024

/** What a server shows that it is the one it was. */
export interface HostKey {
  /** In OpenSSH's format. */
  privateKey: string
  /** `ssh-ed25519 AAAA…`, as `known_hosts` has it behind the names. */
  publicLine: string
  /** `SHA256:…`, as `ssh` shows it. */
  fingerprint: string
}

/** A file of a host key that is not used; the message says why, and what to do. */
class HostKeyError extends Error {
  override readonly name = 'HostKeyError'
  readonly code = 'SSH_HOST_KEY'
}

/** The ed25519 key in this file, made where there is none. @throws {HostKeyError} */
export async function loadHostKey(path: string): Promise<HostKey> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 })
  const kept = await keptPrivateFile(
    path,
    MAX_FILE_BYTES,
    () => loadSsh2().utils.generateKeyPairSync('ed25519').private,
  )
  if (!('text' in kept)) {
    const why = kept.problem === 'too_open' ? `has mode ${kept.mode}: chmod 600 it` : 'is too large for a key'
    throw new HostKeyError(`The SSH host key ${path} ${why}`)
  }
  const parsed = loadSsh2().utils.parseKey(kept.text)
  if (parsed instanceof Error || parsed.type !== 'ssh-ed25519') {
    throw new HostKeyError(
      `${path} holds no ed25519 key: remove it, and another is made, which clients must be told of`,
    )
  }
  return { privateKey: kept.text, ...publicOf(parsed) }
}

function publicOf(key: ParsedKey): Pick<HostKey, 'publicLine' | 'fingerprint'> {
  const { type, blob } = parsePublicKey(`${key.type} ${key.getPublicSSH().toString('base64')}`)
  return { publicLine: `${type} ${blob.toString('base64')}`, fingerprint: fingerprintOf(blob) }
}

/** As `ssh-keygen -l` shows it. */
export function fingerprintOf(blob: Buffer): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`
}
