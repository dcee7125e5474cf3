import { Readable } from 'node:stream'
import type { MessageInitShape } from '@bufbuild/protobuf'
import type { FileAction, FileType } from '../../protocol/file-messages.ts'
import type { FileEntry, ReachHello_FilesSchema, ReachReply } from '../../protocol/gen/cortex/v1/reach_pb.js'
import { MAX_LISTED_FILES, MAX_REACH_CHUNK_BYTES } from '../../protocol/limits.ts'
import { readFileContent, readReachReply } from '../../protocol/reach-messages.ts'
import { onAbort } from '../abort.ts'
import type { Channel } from '../network/index.ts'
import { type JobFile, type JobFiles, ReachError } from './index.ts'
import { type Entered, refusalOf } from './open-reach.ts'

/** How long a provider may take for an answer, in ms: it may have to look at many files. */
const REPLY_MS = 90_000

/** How long it may take to put what it has all of, in ms. */
const WRITTEN_MS = 600_000

/** Opens a stream about the files of something, and waits to be let in. */
export type EnterFiles = (
  id: string,
  files: Pick<MessageInitShape<typeof ReachHello_FilesSchema>, 'path' | 'action'>,
  signal: AbortSignal,
  replyMs: number,
) => Promise<Entered>

/** The requester's end of what is done with files at a provider: a container's, or a volume's. */
export function createJobFiles(enter: EnterFiles): JobFiles {
  /** What is answered in the reply. */
  async function asked(id: string, files: Parameters<EnterFiles>[1], signal: AbortSignal): Promise<ReachReply> {
    const { channel, reply } = await enter(id, files, signal, REPLY_MS)
    await channel.close()
    return reply
  }

  return {
    async look(id, path, { after = '', limit = MAX_LISTED_FILES }, signal) {
      const action = { case: 'list', value: { after, limit } } as const
      const reply = await asked(id, { path, action }, signal)
      const { entries, total, more, incomplete, actions } = filesOf(reply)
      const known = actions as FileAction[] // as they were checked
      return { file: entryOf(reply), entries: entries.map(fileOf), total, more, incomplete, actions: known }
    },

    async read(id, path, { tar = false, offset = 0, length = 0 }, signal) {
      const value = { tar, offset: BigInt(offset), length: BigInt(length) }
      const { channel, reply } = await enter(id, { path, action: { case: 'read', value } }, signal, REPLY_MS)
      const stream = Readable.from(contentOf(channel), { objectMode: false })
      onAbort(signal, () => stream.destroy(signal.reason))
      return { file: entryOf(reply), content: stream }
    },

    async write(id, path, { tar = false, mode, mtimeMs }, source, signal) {
      const value = { tar, ...(mode === undefined ? {} : { mode }), ...timeOf(mtimeMs) }
      const { channel } = await enter(id, { path, action: { case: 'write', value } }, signal, REPLY_MS)
      try {
        const { files, bytes, leftOut } = filesOf(await sendAll(channel, source, signal))
        const named = leftOut.map(({ path: left, reason }) => ({ path: left, reason }))
        return { files, bytes: Number(bytes), leftOut: named }
      } finally {
        channel.abort(new Error('It is written, or is not to be'))
      }
    },

    async remove(id, path, how, signal) {
      await asked(id, { path, action: { case: 'remove', value: how } }, signal)
    },

    lookAt: async (id, path, signal) =>
      entryOf(await asked(id, { path, action: { case: 'itself', value: {} } }, signal)),

    async move(id, path, to, { replace }, signal) {
      await asked(id, { path, action: { case: 'move', value: { to, replace } } }, signal)
    },

    async change(id, path, { mode, mtimeMs }, signal) {
      const value = { ...(mode === undefined ? {} : { mode }), ...timeOf(mtimeMs) }
      await asked(id, { path, action: { case: 'change', value } }, signal)
    },
  }
}

function timeOf(mtimeMs: number | undefined): { mtimeMs?: bigint } {
  return mtimeMs === undefined ? {} : { mtimeMs: BigInt(Math.trunc(mtimeMs)) }
}

/** Sends all there is, and answers what the provider says at the end, or before that. */
async function sendAll(channel: Channel, source: AsyncIterable<Uint8Array>, signal: AbortSignal): Promise<ReachReply> {
  const said = channel.receive({ signal }).then(
    (bytes) => {
      if (bytes === null) throw broken(new Error('The provider closed the stream'))
      const reply = readReachReply(bytes)
      if (!reply.ok) throw refusalOf(reply)
      return reply
    },
    (cause) => {
      signal.throwIfAborted()
      throw broken(cause)
    },
  )
  let isAnswered = false
  let late: NodeJS.Timeout | undefined
  const answered = said.finally(() => {
    isAnswered = true
  })
  answered.catch(() => undefined) // awaited below
  const sending = (async () => {
    for await (const piece of source) {
      for (let at = 0; at < piece.length; at += MAX_REACH_CHUNK_BYTES) {
        if (isAnswered) return
        await channel.send(piece.subarray(at, at + MAX_REACH_CHUNK_BYTES))
      }
    }
    await channel.close()
    late = setTimeout(() => channel.abort(new Error('The provider says nothing')), WRITTEN_MS)
  })()
  // What the source breaks with is told; that the channel broke, the answer tells better.
  await Promise.race([sending.catch(async (error) => (isChannels(error) ? await answered : fail(error))), answered])
  try {
    return await answered
  } finally {
    clearTimeout(late)
  }
}

function fail(error: unknown): never {
  throw error
}

function isChannels(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === 'CHANNEL_BROKEN'
}

async function* contentOf(channel: Channel): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const bytes = await channel.receive().catch((cause) => {
        throw broken(cause)
      })
      if (bytes === null) throw broken(new Error('The provider closed the stream'))
      const { content } = readFileContent(bytes)
      if (content.case === 'data') yield content.value
      else if (content.case === 'end') {
        if (!content.value.ok) throw refusalOf(content.value)
        return
      }
    }
  } finally {
    channel.abort(new Error('It is read to its end, or no further'))
  }
}

function broken(cause: unknown): ReachError {
  return new ReachError('UNREACHABLE', 'The connection to the provider broke, or what it led to has ended', { cause })
}

function filesOf({ files }: ReachReply) {
  if (files === undefined) throw new ReachError('FAILED', 'The provider says nothing of the files')
  return files
}

function entryOf(reply: ReachReply): JobFile {
  const { entry } = filesOf(reply)
  if (entry === undefined) throw new ReachError('FAILED', 'The provider says nothing of the file')
  return fileOf(entry)
}

function fileOf({ name, type, size, mode, mtimeMs, target }: FileEntry): JobFile {
  return { name, type: type as FileType, size: Number(size), mode, mtimeMs: Number(mtimeMs), target }
}
