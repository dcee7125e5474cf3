import type { Upload, Uploads } from '../uploads/index.ts'
import { localInput } from './local-tar.ts'

/**
 * Gives a file or folder of this machine to this peer's own uploads.
 *
 * @param shown what people read. @default what it is called
 * @throws where there is nothing at the path
 */
export async function giveLocal(
  uploads: Pick<Uploads, 'begin' | 'append'>,
  owner: string,
  path: string,
  shown?: string,
): Promise<{ upload: Upload; leftOut: string[] }> {
  const { folder, name, open, leftOut } = await localInput(path)
  const { id } = await uploads.begin({ owner, folder, name: shown ?? name, length: null })
  const upload = await uploads.append({ owner, id, offset: 0 }, open(), true)
  return { upload, leftOut: leftOut() }
}
