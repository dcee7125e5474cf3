import { text } from 'node:stream/consumers'
import { systemClock } from '../../../../../node/clock.ts'
import type { Channel } from '../../../../../node/network/index.ts'
import { entriesOf } from '../../../../../node/tar-entries.ts'
import type { ReachHello_Write as WriteRequest } from '../../../../../protocol/gen/cortex/v1/reach_pb.js'
import type { FilesPlace } from '../../../../../provider-agent/reach/files/answers.ts'
import { writeFiles } from '../../../../../provider-agent/reach/files/write.ts'
import { createTransfers } from '../../../../../provider-agent/reach/transfers.ts'

/** A file that the engine was to put. */
interface Unpacked {
  at: string
  name: string
  uid: number | undefined
  content: string
}

/**
 * Puts files as an agent does for a requester. All that the engine has is the root; what it is given to unpack is in the answer.
 * @param init.spool a folder for what is on its way @param init.freeBytes of the job's storage
 */
export async function createPutter(init: { spool: string; more: FilesPlace['more']; freeBytes: number }) {
  const transfers = createTransfers({ folder: init.spool, maxBytes: 2 ** 20 })
  await transfers.start()
  const unpacked: Unpacked[] = []
  const access: FilesPlace['access'] = {
    archive: () => Promise.reject(new Error('not expected')),
    list: () => Promise.reject(new Error('not expected')),
    remove: () => Promise.reject(new Error('not expected')),
    async stat(_name, path) {
      if (path !== '/') return null
      return { ...{ name: '/', type: 'folder', size: 0, mode: 0o755, mtimeMs: 0, target: '' }, path }
    },
    async unpack(_name, at, tar) {
      for await (const entry of entriesOf(tar)) {
        const { name, uid } = entry.header
        unpacked.push({ at, name, uid, content: await text(entry as unknown as AsyncIterable<Buffer>) })
      }
    },
  }

  return {
    unpacked,
    async put(path: string, content: string, uid: number): Promise<void> {
      const pieces = [Buffer.from(content)]
      const channel: Channel = {
        send: async () => undefined,
        receive: async () => pieces.shift() ?? null,
        close: async () => undefined,
        abort: () => undefined,
      }
      const place: FilesPlace = {
        ...{ channel, access, more: init.more, name: 'c', signal: new AbortController().signal },
        ...{ maxBytes: 2 ** 20, maxReadBytes: 2 ** 20, isApart: false },
        freeBytes: () => init.freeBytes,
        ownerIn: async () => ({ uid, gid: uid }),
        admit: async (_size, write) => await write(),
      }
      await writeFiles({ transfers, clock: systemClock }, place, path, { tar: false } as WriteRequest)
    },
  }
}
