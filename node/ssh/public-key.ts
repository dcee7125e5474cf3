import { loadSsh2 } from './load.ts'

/** Kinds of public keys that are taken: what everybody's `ssh-keygen` has made since 2014. */
export const KEY_TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp521'] as const

/** The longest line of such a key, in characters, its comment included. */
const MAX_KEY_LINE = 1024

/** A user's public key. */
export interface PublicKey {
  /** One of {@link KEY_TYPES}. */
  type: string
  /** As it goes over the wire. */
  blob: Buffer
  /** What its line says behind it; empty for nothing. */
  comment: string
}

/** A text that is no public key, or none that is taken; the message is for people, and begins in lower case. */
export class PublicKeyError extends Error {
  override readonly name = 'PublicKeyError'
}

const LINE = /^([a-z0-9@.-]{1,64}) +([A-Za-z0-9+/]{16,900}={0,2})(?: +(.*))?$/

/** Reads the line of a `.pub` file. @throws {PublicKeyError} */
export function parsePublicKey(text: string): PublicKey {
  const line = text.trim()
  if (line.includes('PRIVATE KEY')) throw new PublicKeyError('is a private key: give the file that ends in .pub')
  const [, type = '', base64 = '', comment = ''] = (line.length <= MAX_KEY_LINE && LINE.exec(line)) || []
  if (type === '')
    throw new PublicKeyError('is no public key: give the one line of a file such as ~/.ssh/id_ed25519.pub')
  if (!(KEY_TYPES as readonly string[]).includes(type)) {
    throw new PublicKeyError(`is of the kind ${type}, which is not taken: make one by ssh-keygen -t ed25519`)
  }
  const key = loadSsh2().utils.parseKey(`${type} ${base64}`)
  const blob = Buffer.from(base64, 'base64')
  if (key instanceof Error || key.type !== type || !key.getPublicSSH().equals(blob)) {
    throw new PublicKeyError('is damaged: copy the whole line of the file that ends in .pub')
  }
  return { type, blob, comment: comment.trim() }
}

/** Whether a signature is that of the key. @param hash of RSA alone */
export function isSignedBy(
  { type, blob }: Pick<PublicKey, 'type' | 'blob'>,
  signed: Buffer,
  signature: Buffer,
): boolean {
  const key = loadSsh2().utils.parseKey(`${type} ${blob.toString('base64')}`)
  return !(key instanceof Error) && key.verify(signed, signature) === true
}
