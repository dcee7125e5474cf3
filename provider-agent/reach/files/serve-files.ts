import type { MessageInitShape } from '@bufbuild/protobuf'
import { deadline } from '../../../node/deadline.ts'
import { FILE_ACTIONS } from '../../../protocol/file-messages.ts'
import type { FileEntrySchema, ReachHello_Files } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_LISTED_FILES, MAX_PATH_BYTES, MAX_REACH_MESSAGE_BYTES } from '../../../protocol/limits.ts'
import { FileError, type ListPage } from '../../engine/file-access.ts'
import { ReachRefusedError } from '../refusal.ts'
import { answerOf, entryOf, type FilesComponents, type FilesPlace, nothingThere, refusalOf } from './answers.ts'
import { readFiles } from './read.ts'
import { writeFiles } from './write.ts'

/** How long a look, a listing or a removal may take, in ms. */
const LOOK_MS = 60_000

/** Said of what the kernel has and the engine has not. */
const UNSEEN =
  'What is memory (/proc, /sys, /dev/shm), or in the way of the path, cannot be looked at by itself: list its folder, or look by a command in the container'

/** Of one answer that is left for what is not entries, in bytes. */
const REST_BYTES = 4 * MAX_PATH_BYTES

/** Does with a file or folder what its requester asks. @throws {ReachRefusedError} */
export async function serveFiles(
  components: FilesComponents,
  place: FilesPlace,
  asked: ReachHello_Files,
): Promise<void> {
  const { signal } = place
  try {
    await serve(components, place, asked)
  } catch (cause) {
    signal.throwIfAborted()
    throw refusalOf(cause) ?? cause
  }
}

async function serve(
  components: FilesComponents,
  place: FilesPlace,
  { path, action }: ReachHello_Files,
): Promise<void> {
  const { clock } = components
  const { channel, access, more, name } = place
  if (action.case === 'read') return await readFiles(components, place, path, action.value)
  if (action.case === 'write') return await writeFiles(components, place, path, action.value)
  const limit = deadline(clock, LOOK_MS, place.signal)
  try {
    if (action.case === 'remove') {
      await access.remove(name, path, action.value, limit)
      await channel.send(answerOf({}))
    } else if (action.case === 'list') {
      const actions = more === null ? [] : FILE_ACTIONS
      await channel.send(
        answerOf({ ...(await look(access, name, path, action.value, limit.signal)), actions: [...actions] }),
      )
    } else {
      await channel.send(answerOf(await serveMore(more, name, { path, action }, limit)))
    }
  } catch (cause) {
    if (!limit.signal.aborted || place.signal.aborted) throw cause
    throw new ReachRefusedError('TOO_LARGE', `That takes longer than ${LOOK_MS / 1000} s: ask for a part of it`, {
      cause,
    })
  } finally {
    limit.clear()
  }
}

/** What is not done everywhere. */
async function serveMore(
  more: FilesPlace['more'],
  name: string,
  { path, action }: Pick<ReachHello_Files, 'path' | 'action'>,
  limit: { signal: AbortSignal },
) {
  if (more === null) throw new FileError('BAD_PATH', 'Files here are looked at, read and written, and nothing else')
  if (action.case === 'itself') return { entry: entryOf({ ...(await more.lookAt(name, path, limit)) }) }
  if (action.case === 'move') await more.move(name, path, action.value.to, action.value, limit)
  if (action.case === 'change') {
    const { mode, mtimeMs } = action.value
    const to = {
      ...(mode === undefined ? {} : { mode }),
      ...(mtimeMs === undefined ? {} : { mtimeMs: Number(mtimeMs) }),
    }
    await more.change(name, path, to, limit)
  }
  return {}
}

/** What there is at the path, and where that is a folder what it holds. */
async function look(access: FilesPlace['access'], name: string, path: string, page: ListPage, signal: AbortSignal) {
  const found = await access.stat(name, path, { signal })
  // What is only memory, engines do not see.
  if (found !== null && found.type !== 'folder') return { entry: entryOf(found) }
  if (found !== null && page.limit === 0) return { entry: entryOf(found) }
  const limit = Math.min(page.limit, MAX_LISTED_FILES)
  const listing = await access.list(name, path, { after: page.after, limit }, { signal }).catch((cause: unknown) => {
    if (found !== null || !(cause instanceof FileError)) throw cause
    throw cause.code === 'BAD_PATH' ? new FileError('BAD_PATH', UNSEEN, { cause }) : nothingThere({ cause })
  })
  const entries: MessageInitShape<typeof FileEntrySchema>[] = []
  let room = MAX_REACH_MESSAGE_BYTES - REST_BYTES
  for (const one of listing.entries) {
    room -= Buffer.byteLength(one.name) + Buffer.byteLength(one.target) + 64
    if (room < 0) break
    entries.push(entryOf(one))
  }
  const more = listing.more || entries.length < listing.entries.length
  const entry = found === null ? { name: path.slice(path.lastIndexOf('/') + 1), type: 'folder' } : entryOf(found)
  return { entry, entries, total: listing.total, more, incomplete: listing.incomplete }
}
