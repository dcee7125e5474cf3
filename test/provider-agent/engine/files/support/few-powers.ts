/**
 * Does with a folder, as if it were a container's root, what an agent does for a requester, and says what of it was left to
 * the engine and to programs of the image: `few-powers FOLDER SPOOL`, to be run with the powers of the packaged agent.
 */
import { filesOf } from './folder-inside.ts'
import { createPutter } from './put-file.ts'

const [, , folder = '', spool = ''] = process.argv
const commands: string[][] = []
const more = filesOf(folder, commands)
const { put, unpacked } = await createPutter({ spool, more, freeBytes: 2 ** 20 })

const left = (doing: Promise<void>) => doing.catch(() => undefined)
await put('/root’s', 'all of it', 0)
await put('/others', 'all of it', 1000)
await left(more.change('c', '/mode', { mode: 0o600 }))
await left(more.change('c', '/time', { mtimeMs: 1000 }))
await left(more.move('c', '/sticky/old', '/sticky/new', { replace: true }))
process.stdout.write(JSON.stringify({ unpacked, commands }))
