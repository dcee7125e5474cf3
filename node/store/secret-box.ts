import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import { keptPrivateFile } from '../private-file.ts'

const NONCE_BYTES = 12
const TAG_BYTES = 16

/** The largest key file read, in bytes: an owner may have put any text there. */
const MAX_FILE_BYTES = 65_536

/** Keeps small texts unreadable on disk: AES-256-GCM, bound to the id they belong to. */
export interface SecretBox {
  seal(id: string, text: string): string
  /** @throws {Error} where the key or the id is another, or the text was changed. */
  open(id: string, sealed: string): string
}

/** @param masterKey any text with enough entropy; hashed to the key's 32 bytes. */
export function createSecretBox(masterKey: string): SecretBox {
  const key = createHash('sha256').update('cortex-node/secret-box/1\0').update(masterKey).digest()
  return {
    seal(id, text) {
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(id))
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
    },
    open(id, sealed) {
      const bytes = Buffer.from(sealed, 'base64')
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      })
        .setAAD(Buffer.from(id))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES))
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8')
    },
  }
}

/** The key that belongs to a data folder: made on first use, mode 0600, and given that mode again where it has a wider one. */
export async function loadMasterKey(folder: string): Promise<string> {
  const path = join(folder, 'master.key')
  const load = async () => await keptPrivateFile(path, MAX_FILE_BYTES, () => `${randomBytes(32).toString('hex')}\n`)
  let file = await load()
  if ('problem' in file && file.problem === 'too_open') {
    await chmod(path, 0o600)
    file = await load()
  }
  if ('problem' in file) throw new Error(`${path} is no key: it has more than ${MAX_FILE_BYTES} bytes`)
  return file.text.trim()
}
