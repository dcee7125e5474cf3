import PQueue from 'p-queue'

/**
 * Answers under way, side by side for each requester up to a bound, so that a flood from one delays only its own and
 * a burst of honest requests loses none.
 */
export interface AnswerQueue {
  /** False where this requester has too many waiting: the request goes unanswered. */
  add(requester: string, answer: () => Promise<void>): boolean
  /** Forgets what waits, and resolves when what is under way has ended. */
  stop(): Promise<void>
}

/** Answers to one requester that are delivered at a time. */
const CONCURRENCY = 32
/** Answers to one requester that wait: what a gateway with a batch of jobs asks in one go. */
const MAX_WAITING = 1_024
/** Requesters with answers under way; beyond it newcomers wait for their next round. */
const MAX_REQUESTERS = 1_024

/**
 * Empty. Holds {@link MAX_REQUESTERS} at a time, each with {@link CONCURRENCY} answers under way and
 * {@link MAX_WAITING} behind.
 */
export function createAnswerQueue(): AnswerQueue {
  const queues = new Map<string, PQueue>()
  return {
    add(requester, answer) {
      const queue = queues.get(requester) ?? new PQueue({ concurrency: CONCURRENCY })
      if (queue.size >= MAX_WAITING || (queues.size >= MAX_REQUESTERS && !queues.has(requester))) return false
      queues.set(requester, queue)
      // Answers take care of their own errors.
      void queue.add(answer).finally(() => {
        if (queue.size === 0 && queue.pending === 0 && queues.get(requester) === queue) queues.delete(requester)
      })
      return true
    },
    async stop() {
      for (const queue of queues.values()) queue.clear()
      await Promise.all([...queues.values()].map(async (queue) => await queue.onIdle()))
    },
  }
}
