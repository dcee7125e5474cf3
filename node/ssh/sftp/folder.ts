import type { JobFile } from '../../reach/index.ts'
import { createQueue, type Handle, type HandleComponents, noHandle } from './handle.ts'
import { SftpError, type SftpFiles, Status } from './index.ts'

/** Entries in one answer, in bytes, as far as their names tell. */
const ANSWER_BYTES = 64 * 1024
/** What an entry takes in an answer beside its name, twice. */
const ENTRY_BYTES = 150

/** Opens a folder: what it holds is asked for in pages, as the client takes them. @throws {SftpError} where it is none */
export async function openFolder({ files, signal }: HandleComponents, path: string): Promise<Handle> {
  const inTurn = createQueue()
  let page: Awaited<ReturnType<SftpFiles['list']>> = await files.list(path, '', signal)
  let after = ''

  /** Of names that a provider has out of order, or twice, there would be no end. */
  async function next(): Promise<JobFile[]> {
    while (page.entries.length === 0 && page.more) {
      const { entries, more } = await files.list(path, after, signal)
      const behind = entries.filter(({ name }) => name > after)
      page = { entries: behind, more: more && behind.length > 0 }
    }
    let bytes = 0
    const end = page.entries.findIndex(({ name }) => {
      bytes += 2 * Buffer.byteLength(name) + ENTRY_BYTES
      return bytes > ANSWER_BYTES
    })
    const taken = page.entries.splice(0, end === -1 ? page.entries.length : Math.max(end, 1))
    after = taken.at(-1)?.name ?? after
    return taken
  }

  return {
    ...noHandle(),
    entries: async () => await inTurn(next),
    async stat() {
      const found = await files.stat(path, signal)
      if (found === null) throw new SftpError(Status.noFile, 'The folder is gone')
      return found
    },
    close: async () => undefined,
    drop: async () => undefined,
  }
}
