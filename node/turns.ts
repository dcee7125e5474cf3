/**
 * Turns of this process's one loop. Whoever works for long, or comes in numbers, takes turns with all others: they share
 * one allowance for each round of the loop, so that no number of them together holds it from timers and connections.
 */

/** How long all that take turns may work in one round of the loop, in ms: a fifth of what nobody may hold the process for. */
const ROUND_MS = 10

const waiting: (() => void)[] = []
/** When the first in this round asked; null where none did. */
let roundSince: number | null = null

/** Called between the steps of long work: lets others have their turn where this round had enough of such work. */
export async function breathe(): Promise<void> {
  if (spentMs() >= ROUND_MS) await takeTurn()
}

/** Waits for a turn, first come, first served: a round of the loop lets in at least one, and no more once it had enough. */
export function takeTurn(): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  waiting.push(resolve)
  if (waiting.length === 1) setImmediate(serve)
  return promise
}

function spentMs(): number {
  if (roundSince === null) {
    roundSince = performance.now()
    setImmediate(endRound)
  }
  return performance.now() - roundSince
}

function endRound(): void {
  roundSince = null
}

function serve(): void {
  endRound()
  next()
}

/** Lets in the first, and the one after it as soon as the first waits for something else. */
function next(): void {
  const [first] = waiting
  if (first === undefined) return
  if (spentMs() >= ROUND_MS) return void setImmediate(serve)
  first()
  queueMicrotask(() =>
    process.nextTick(() => {
      waiting.shift()
      next()
    }),
  )
}
