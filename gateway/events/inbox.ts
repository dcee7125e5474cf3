import type { Logger } from '../../node/logger.ts'

/** Messages of a client, taken one after the other; see {@link createInbox}. */
export interface Inbox {
  /** False where more wait than may, this one among them. */
  add(text: string): boolean
}

/** What is done with messages, and how many may wait. */
export interface InboxInit {
  most: number
  /** Whatever breaks in it is logged, and the next message taken. */
  handle(text: string): Promise<void>
  /** Aborted: what waits is not taken any more. */
  signal: AbortSignal
}

/** Takes messages in their order: what follows a key waits until it was looked at. */
export function createInbox({ logger }: { logger: Logger }, { most, handle, signal }: InboxInit): Inbox {
  let last = Promise.resolve()
  let waiting = 0

  return {
    add(text) {
      waiting += 1
      if (waiting > most) return false
      if (signal.aborted) return true
      last = last
        .then(async () => (signal.aborted ? undefined : await handle(text)))
        .catch((error: unknown) => logger.error({ err: error }, 'a socket’s message broke'))
        .finally(() => {
          waiting -= 1
        })
      return true
    },
  }
}
