import { Readable } from 'node:stream'
import { type Pack, pack } from 'tar-stream'

/**
 * A tar as it is written. What the writing fails with is what reading it ends with, whenever that begins: the library's own
 * stream would tell of it at once, and where nobody listens yet that ends the process.
 *
 * @param write adds the entries; what it answers is waited for before the tar ends
 */
export function tarOf(write: (out: Pack) => Promise<unknown>): Readable {
  const out = pack()
  out.on('error', () => undefined)
  const written: Promise<{ error: unknown } | null> = write(out).then(
    () => {
      out.finalize()
      return null
    },
    (error: unknown) => {
      out.destroy(error instanceof Error ? error : new Error(String(error)))
      return { error }
    },
  )
  async function* read(): AsyncGenerator<Buffer> {
    try {
      yield* out as AsyncIterable<Buffer>
    } catch (error) {
      // What broke first may have been the stream, and the writing by that.
      throw (await written)?.error ?? error
    }
    const failure = await written
    if (failure !== null) throw failure.error
  }
  return Readable.from(read(), { objectMode: false })
}

/** Adds an entry without contents: a folder, or a link. */
export async function addEmpty(out: Pack, header: Parameters<Pack['entry']>[0]): Promise<void> {
  await addContent(out, header, '')
}

/** Adds an entry with all that is in it. */
export async function addContent(
  out: Pack,
  header: Parameters<Pack['entry']>[0],
  content: Buffer | string,
): Promise<void> {
  await new Promise<void>((done, failed) => {
    out.entry(header, content, (error) => (error ? failed(error) : done()))
  })
}

/** Permission bits for a header: with that of an ordinary file, for the library takes 0 for none, and none for 0644. */
export function tarMode(mode: number): number {
  return mode | 0o100000
}
