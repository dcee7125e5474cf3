/**
 * Does with a folder, as if it were a container's root, what an agent does for a requester, and says what of it was left to
 * the engine and to programs of the image: `few-powers FOLDER SPOOL`, to be run with the powers of the packaged agent.
 */
import { text } from 'node:stream/consumers'
import { systemClock } from '../../../../../node/clock.ts'
import type { Channel } from '../../../../../node/network/index.ts'
import { entriesOf } from '../../../../../node/tar-entries.ts'
import type { ReachHello_Write as WriteRequest } from '../../../../../protocol/gen/cortex/v1/reach_pb.js'
import type { FileAccess } from '../../../../../provider-agent/engine/file-access.ts'
import { writeFiles } from '../../../../../provider-agent/reach/files/write.ts'
import { createTransfers } from '../../../../../provider-agent/reach/transfers.ts'
import { filesOf } from './folder-inside.ts'

const [, , folder = '', spool = ''] = process.argv
const unpacked: object[] = []
const commands: string[][] = []
const more = filesOf(folder, commands)
const transfers = createTransfers({ folder: spool, maxBytes: 2 ** 20 })
await transfers.start()

const access: Pick<FileAccess, 'archive' | 'stat' | 'unpack' | 'list' | 'remove'> = {
  archive: () => Promise.reject(new Error('not expected')),
  list: () => Promise.reject(new Error('not expected')),
  remove: () => Promise.reject(new Error('not expected')),
  async stat(_name, path) {
    if (path !== '/') return null
    return { ...{ name: '/', type: 'folder', size: 0, mode: 0o755, mtimeMs: 0, target: '' }, path }
  },
  async unpack(_name, at, tar) {
    for await (const entry of entriesOf(tar)) {
      const { header } = entry
      const content = await text(entry as unknown as AsyncIterable<Buffer>)
      unpacked.push({ at, name: header.name, uid: header.uid, content })
    }
  },
}

async function put(path: string, uid: number): Promise<void> {
  const pieces = [Buffer.from('all '), Buffer.from('of it')]
  const channel: Channel = {
    send: async () => undefined,
    receive: async () => pieces.shift() ?? null,
    close: async () => undefined,
    abort: () => undefined,
  }
  const place = {
    ...{ channel, access, more, name: 'c', signal: new AbortController().signal },
    ...{ maxBytes: 2 ** 20, maxReadBytes: 2 ** 20, isApart: false },
    ownerIn: async () => ({ uid, gid: uid }),
    admit: async (_size: object, write: () => Promise<void>) => await write(),
  }
  await writeFiles({ transfers, clock: systemClock }, place, path, { tar: false } as WriteRequest)
}

const left = (doing: Promise<void>) => doing.catch(() => undefined)
await put('/root’s', 0)
await put('/others', 1000)
await left(more.change('c', '/mode', { mode: 0o600 }))
await left(more.change('c', '/time', { mtimeMs: 1000 }))
await left(more.move('c', '/sticky/old', '/sticky/new', { replace: true }))
process.stdout.write(JSON.stringify({ unpacked, commands }))
