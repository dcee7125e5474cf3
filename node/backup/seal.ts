import { once } from 'node:events'
import { extname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { Worker } from 'node:worker_threads'
import { BackupError } from './layout.ts'

const PROGRAM = join(import.meta.dirname, `seal-worker${extname(import.meta.filename)}`)

/** What a file of age begins with: https://age-encryption.org/v1. */
const MAGIC = Buffer.from('age-encryption.org/v1\n')

/** The same, encrypted with a passphrase as `age -p` does. */
export async function sealed(plain: Readable, passphrase: string): Promise<Readable> {
  const worker = new Worker(PROGRAM)
  const source = Readable.toWeb(plain)
  worker.postMessage({ passphrase, plain: source }, [source as never])
  const [stream] = (await once(worker, 'message')) as [ReadableStream]
  const read = Readable.fromWeb(stream)
  worker.once('error', (error) => read.destroy(error))
  read.once('close', () => void worker.terminate())
  return read
}

/** A backup as it lies in a file: whether it is encrypted, and all of its bytes. */
export interface Found {
  isSealed: boolean
  content: Readable
}

/** Looks at how it begins. */
export async function lookAt(file: Readable): Promise<Found> {
  const chunks = file[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  let begun = Buffer.alloc(0)
  while (begun.length < MAGIC.length) {
    const { value, done } = await chunks.next()
    if (done === true) break
    begun = Buffer.concat([begun, value])
  }
  async function* all(): AsyncGenerator<Buffer> {
    try {
      yield begun
      for (let next = await chunks.next(); next.done !== true; next = await chunks.next()) yield next.value
    } finally {
      file.destroy()
    }
  }
  const isSealed = begun.subarray(0, MAGIC.length).equals(MAGIC)
  return { isSealed, content: Readable.from(all(), { objectMode: false }) }
}

/** @throws {BackupError} where the passphrase is another one; what was changed ends the stream with one */
export async function opened(content: Readable, passphrase: string): Promise<Readable> {
  const { Decrypter } = await import('age-encryption')
  const decrypter = new Decrypter()
  decrypter.addPassphrase(passphrase)
  let plain: Readable
  try {
    const source = Readable.toWeb(content) as unknown as globalThis.ReadableStream<Uint8Array>
    plain = Readable.fromWeb((await decrypter.decrypt(source)) as unknown as ReadableStream)
  } catch (cause) {
    const isOther = /no identity matched/i.test(String(cause))
    const problem = isOther
      ? 'The passphrase is not that of this backup: give the one that it was made with'
      : `The backup is damaged: its first lines were changed (${cause instanceof Error ? cause.message : cause}). Nothing of it is used`
    throw new BackupError(isOther ? 'BACKUP_LOCKED' : 'BACKUP_DAMAGED', problem, { cause })
  }
  const checked = new PassThrough()
  plain.once('error', (cause) => {
    const problem =
      'The backup is damaged: it is cut off, or was changed, which its encryption shows. Nothing of it is used'
    checked.destroy(new BackupError('BACKUP_DAMAGED', problem, { cause }))
  })
  checked.once('close', () => plain.destroy())
  return plain.pipe(checked)
}
