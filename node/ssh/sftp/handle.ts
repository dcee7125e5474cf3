import type { Clock } from '../../clock.ts'
import type { JobFile } from '../../reach/index.ts'
import { SftpError, type SftpFiles, Status } from './index.ts'
import type { Attributes } from './packets.ts'
import type { SessionRoom } from './room.ts'

/** Something that a client has opened. What is not for its kind throws {@link SftpError}. */
export interface Handle {
  /** At most so many bytes; none at the end. */
  read(offset: number, length: number): Promise<Buffer>
  write(offset: number, data: Buffer): Promise<void>
  stat(): Promise<JobFile>
  change(to: Attributes): Promise<void>
  /** The next entries of a folder; none at the end. */
  entries(): Promise<JobFile[]>
  /** What was written is in the container once it resolves. */
  sync(): Promise<void>
  /** As `sync`, and gives back what it held, also where it fails. */
  close(): Promise<void>
  /** Gives back what it holds; nothing that was written goes into the container. */
  drop(): Promise<void>
}

/** What handles work with. */
export interface HandleComponents {
  files: SftpFiles
  room: SessionRoom
  clock: Clock
  /** Of the session. */
  signal: AbortSignal
}

/** What a handle is that can do nothing. */
export function noHandle(): Omit<Handle, 'stat' | 'close' | 'drop'> {
  const refuse = async (): Promise<never> => {
    throw new SftpError(Status.failed, 'It was not opened for that')
  }
  return { read: refuse, write: refuse, change: refuse, entries: refuse, sync: async () => undefined }
}

/** Tasks that are done one after the other, in the order in which they came. */
export function createQueue(): <T>(task: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return async (task) => {
    const turn = last.then(task)
    last = turn.catch(() => undefined)
    return await turn
  }
}
