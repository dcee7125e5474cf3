import { createPrivateFile, readPrivateFile } from '../private-file.ts'

/** What the file holds, as other programs of libp2p write it, too: two lines that say what it is, and 32 bytes in hex. */
const KEY_FILE = /^\/key\/swarm\/psk\/1\.0\.0\/\r?\n\/base16\/\r?\n[0-9a-f]{64}\r?\n?$/i
const KEY_BYTES = 95

/** The largest key file read, in bytes: three lines. */
const MAX_FILE_BYTES = 256

/** Writes a new key for a private network. @throws {NetworkKeyError} where there is a file already */
export async function createNetworkKey(path: string): Promise<void> {
  const { generateKey } = await import('@libp2p/pnet')
  const key = new Uint8Array(KEY_BYTES)
  generateKey(key)
  if (await createPrivateFile(path, `${Buffer.from(key).toString()}\n`)) return
  throw new NetworkKeyError(
    'NETWORK_KEY_EXISTS',
    `${path} exists already, and is left as it is: peers may use it. Give another name for a new key`,
  )
}

/** The key of a private network. @throws {NetworkKeyError} where the file cannot be trusted or understood */
export async function loadNetworkKey(path: string): Promise<Uint8Array> {
  const file = await readPrivateFile(path, MAX_FILE_BYTES)
  if (file === undefined) {
    throw new NetworkKeyError(
      'NETWORK_KEY_MISSING',
      `There is no network key at ${path} (--network-key): copy the network’s there, or make one with 'cortex network-key ${path}'`,
    )
  }
  if ('text' in file && KEY_FILE.test(file.text)) return Buffer.from(file.text.trimEnd())
  if ('problem' in file && file.problem === 'too_open') {
    throw new NetworkKeyError(
      'NETWORK_KEY_TOO_OPEN',
      `Others on this machine can read the network key ${path} (--network-key, mode ${file.mode}). If nobody else has had it, run: chmod 600 ${path}; else make a new one for the whole network`,
    )
  }
  throw new NetworkKeyError(
    'NETWORK_KEY_CORRUPT',
    `${path} (--network-key) holds no network key: it has three lines, /key/swarm/psk/1.0.0/, /base16/ and 64 hex digits. Copy it again from another peer of the network`,
  )
}

/** The key file must not be used as it is; the message names it and the way out. */
class NetworkKeyError extends Error {
  override readonly name = 'NetworkKeyError'
  readonly code: `NETWORK_KEY_${'EXISTS' | 'MISSING' | 'TOO_OPEN' | 'CORRUPT'}`

  constructor(code: NetworkKeyError['code'], message: string) {
    super(message)
    this.code = code
  }
}
