import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

const NONCE_BYTES = 12
const TAG_BYTES = 16

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
  try {
    await writeFile(path, `${randomBytes(32).toString('hex')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    if (((await stat(path)).mode & 0o077) !== 0) await chmod(path, 0o600)
  }
  return (await readFile(path, 'utf8')).trim()
}
