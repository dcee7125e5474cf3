import { cpus, freemem } from 'node:os'
import type PQueue from 'p-queue'

/** How often is looked, in ms: whatever begins fills a core for some seconds, before it waits or does not. */
const LOOK_MS = 4_000
/** Shares of all processors' time that nobody had. */
const IDLE = 0.12
const FULL = 0.03
/** Memory that has to be free for one more, in bytes: what a test of the engine takes with all that it starts, twice. */
const ROOM_BYTES = 3 * 2 ** 30

/** Time of all processors since the machine began, in ms: in all, and what whoever wants it could have had. */
export interface ProcessorTimes {
  all: number
  idle: number
}

export interface FillCoresInit {
  /** Of tasks at the same time. */
  most: number
  /** @default those of this machine */
  times?: () => ProcessorTimes
  /** @default bytes of this machine that are free */
  room?: () => number
  /** @default 4_000 */
  lookMs?: number
}

/**
 * Lets a queue begin one task more at a time while processors are idle, and fewer again while they are full, down to what it
 * had. Its tasks mostly wait, now for a processor and now for something else: no number of them is right all the time.
 *
 * @returns what ends that
 */
export function fillCores(queue: PQueue, init: FillCoresInit): () => void {
  const { most, times = processorTimes, room = freemem, lookMs = LOOK_MS } = init
  const least = queue.concurrency
  let before = times()
  const timer = setInterval(() => {
    const now = times()
    const idle = (now.idle - before.idle) / Math.max(1, now.all - before.all)
    before = now
    const isWanted = queue.size > 0 && queue.pending >= queue.concurrency
    if (idle > IDLE && isWanted && room() > ROOM_BYTES) queue.concurrency = Math.min(most, queue.pending + 1)
    else if (idle < FULL) queue.concurrency = Math.max(least, queue.concurrency - 1)
  }, lookMs)
  timer.unref()
  return () => clearInterval(timer)
}

function processorTimes(): ProcessorTimes {
  const times = cpus().map((cpu) => cpu.times)
  const sum = (of: (time: (typeof times)[number]) => number): number => times.reduce((all, time) => all + of(time), 0)
  return {
    all: sum(({ user, nice, sys, idle, irq }) => user + nice + sys + idle + irq),
    // What runs in the background leaves its time to all others.
    idle: sum(({ idle, nice }) => idle + nice),
  }
}
