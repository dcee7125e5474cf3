import { constants, open } from 'node:fs/promises'

/** Each read answers one record, and `EAGAIN` behind the last (Linux, Documentation/ABI/testing/dev-kmsg). */
const KERNEL_LOG = '/dev/kmsg'
/** The longest record, in bytes; to ask for less is an error. */
const RECORD_BYTES = 8_192

/**
 * Whether the kernel of this machine says that it ended a process because a container was at its limit of memory: for
 * whoever may read its log, root mostly, and as long as the log goes back; of many in 5 s the kernel writes ten. False
 * where nothing is known.
 *
 * @param containerId - the engine's, whole: it is in the name of the container's control group
 */
export async function sawOutOfMemory(containerId: string, log = KERNEL_LOG): Promise<boolean> {
  try {
    await using file = await open(log, constants.O_RDONLY | constants.O_NONBLOCK)
    const buffer = Buffer.alloc(RECORD_BYTES)
    for (;;) {
      const record = await file.read(buffer).catch(orOverwritten)
      if (record?.bytesRead === 0) return false
      const text = buffer.toString('utf8', 0, record?.bytesRead ?? 0)
      // That of the group whose limit it was; a machine that is out of memory itself names none.
      const [, group] = /;oom-kill:.*\boom_memcg=([^,]*)/.exec(text) ?? []
      if (group?.includes(containerId)) return true
    }
  } catch {
    return false
  }
}

/** The kernel has written over the record that was next, and goes on with the oldest that it has. */
function orOverwritten(error: NodeJS.ErrnoException): null {
  if (error.code === 'EPIPE') return null
  throw error
}
