import type { Duplex } from 'node:stream'
import type { Clock } from '../../clock.ts'
import type { Reach } from '../../reach/index.ts'
import type { JobStore } from '../../store/index.ts'
import { createSftpFiles } from './container-files.ts'
import { createSftpRoom } from './room.ts'
import { serveSftp } from './serve.ts'

/** Files that are on their way through sessions, in bytes: of one owner, and of all. */
const MAX_BYTES = { owner: 4 * 2 ** 30, all: 8 * 2 ** 30 }

/** Sessions of SFTP in the containers of this peer's jobs. */
export interface JobSftp {
  /** Makes its folder, and empties it; to be called before the first session. */
  start(): Promise<void>
  /**
   * Serves one over a stream, until its client ends it, or the signal aborts; ending the stream is the caller's.
   * @param to.owner with whose other sessions it shares the room for files
   * @throws {SftpError} where the client does not speak the protocol
   */
  serve(stream: Duplex, to: { jobId: string; owner: string }, signal: AbortSignal): Promise<void>
}

/** What {@link createJobSftp} works with. */
export interface JobSftpComponents {
  node: { store: Pick<JobStore, 'get'>; reach: Pick<Reach, 'files'> }
  clock: Clock
}

/** @param init.folder for files that are on their way, and nothing else */
export function createJobSftp({ node, clock }: JobSftpComponents, init: { folder: string }): JobSftp {
  const room = createSftpRoom({ folder: init.folder, maxBytes: MAX_BYTES.all, maxSessionBytes: MAX_BYTES.owner })
  return {
    start: room.start,
    async serve(stream, { jobId, owner }, signal) {
      const files = createSftpFiles({ files: node.reach.files, store: node.store, clock }, jobId)
      const own = { openSession: () => room.openSession(owner) }
      await serveSftp(stream, { files, room: own, clock }, { signal })
    },
  }
}
