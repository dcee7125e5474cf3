import type { Upload, Uploads } from '../uploads/index.ts'
import { localInput } from './local-tar.ts'

/**
 * Gives a file or folder of this machine to this peer's own uploads.
 *
 * @param init.shown what people read. @default what it is called @param init.onBytes told how many bytes were given
 * @throws where there is nothing at the path
 */
export async function giveLocal(
  uploads: Pick<Uploads, 'begin' | 'append'>,
  owner: string,
  path: string,
  { shown, onBytes = () => undefined }: { shown?: string; onBytes?: (bytes: number) => void } = {},
): Promise<{ upload: Upload; leftOut: string[] }> {
  const { folder, name, open, leftOut } = await localInput(path)
  const { id } = await uploads.begin({ owner, folder, name: shown ?? name, length: null })
  const upload = await uploads.append({ owner, id, offset: 0 }, counted(open(), onBytes), true)
  return { upload, leftOut: leftOut() }
}

async function* counted(
  source: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const chunk of source) {
    bytes += chunk.length
    onBytes(bytes)
    yield chunk
  }
}
