/** Encrypts a stream with a passphrase, in a thread of its own: making a key of a passphrase takes a second of work. */

import type { ReadableStream } from 'node:stream/web'
import { parentPort } from 'node:worker_threads'
import { Encrypter } from 'age-encryption'

// The ports of streams keep no thread: it ends when it is told to.
setInterval(() => undefined, 60_000)

parentPort?.once('message', async ({ passphrase, plain }: { passphrase: string; plain: ReadableStream }) => {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  const sealed = await encrypter.encrypt(plain as unknown as globalThis.ReadableStream<Uint8Array>)
  parentPort?.postMessage(sealed, [sealed as never])
})
