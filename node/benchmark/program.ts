/**
 * What a machine does in a second, by methods that anybody can repeat. Run as a process of its own, by an agent and as the
 * job of `cortex provider bench`: so it loads nothing but Node's own, and says what it found as one line of JSON.
 *
 * - `cpuSingle`, `cpuAll`: how often a second one core, and all together, look for the primes up to 10,000 by trial
 *   division, as sysbench's `cpu` test does.
 * - `memoryBandwidth`: bytes a second that one core reads and writes as it copies 64 MiB from here to there, as STREAM's
 *   `copy` counts them.
 * - `diskWrite`, `diskRead`: bytes a second in blocks of 1 MiB, one after the other, eight at a time.
 * - `iops`: blocks of 4 KiB a second at places drawn by lot, half of them read and half written, 32 at a time.
 *
 * Disks are asked past the system's cache (`O_DIRECT`), on a file that goes with the process; where the file system does
 * not have that, nothing is said of them.
 */

import { constants } from 'node:fs'
import { type FileHandle, open, rm, statfs } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Measured } from '../../protocol/measured.ts'

/** Version of the methods: figures of two versions are not compared. */
export const METHOD = 'cortex-1'

/** Blocks of 4 KiB that a disk is given at a time; as many of Node's threads are needed, of which it has four unless told. */
export const DISK_QUEUE = 32

/** What the program says; see its head. */
type Findings = Omit<Measured, 'atMs'>

const MAX_PRIME = 10_000
const COPIED_BYTES = 64 * 2 ** 20
const LARGE = 2 ** 20
const SMALL = 4096
/** Windows of a measure: the one in the middle counts. */
const WINDOWS = 7
const MIN_FILE_BYTES = 32 * 2 ** 20
const MAX_FILE_BYTES = 512 * 2 ** 20
/** Share of what is free that the file may take. */
const FILE_SHARE = 0.1

/** @param init folder of the file; how long each of the six may take, in seconds */
export async function measure(init: { folder: string; seconds: number }): Promise<Findings> {
  const windowMs = (init.seconds * 1_000) / WINDOWS
  const cores = availableParallelism()
  const cpuSingle = await onCores(1, 'primes', windowMs)
  const cpuAll = await onCores(cores, 'primes', windowMs)
  const memoryBandwidth = await onCores(1, 'copy', windowMs)
  const disk = await measureDisk(init.folder, windowMs)
  return { method: METHOD, cpuSingle, cpuAll, memoryBandwidth, ...disk }
}

/** So many a second of all threads together. */
async function onCores(count: number, what: 'primes' | 'copy', windowMs: number): Promise<number> {
  const beginAt = Date.now() + 200
  // Its own text, since a job is given the program by `node -e` and has no file.
  const text = `(${work})(require('node:worker_threads'), ${primes}, ${copy})`
  const settings = { what, windowMs, beginAt, windows: WINDOWS, maxPrime: MAX_PRIME, bytes: COPIED_BYTES }
  const rates = await Promise.all(
    Array.from({ length: count }, async () => {
      const worker = new Worker(text, { eval: true, execArgv: [], workerData: settings })
      return await new Promise<number[]>((resolve, reject) => {
        worker.once('message', resolve).once('error', reject)
      })
    }),
  )
  return median(Array.from({ length: WINDOWS }, (_, i) => rates.reduce((sum, own) => sum + (own[i] ?? 0), 0)))
}

/** In a thread, by the text of these functions alone. */
function work(threads: typeof import('node:worker_threads'), countPrimes: typeof primes, copyBytes: typeof copy): void {
  const { what, windowMs, beginAt, windows, maxPrime, bytes } = threads.workerData
  const one = what === 'primes' ? () => countPrimes(maxPrime) : copyBytes(bytes)
  const perRound = what === 'primes' ? 1 : 2 * bytes
  while (Date.now() < beginAt) one()
  const rates: number[] = []
  for (let window = 0; window < windows; window += 1) {
    const begun = performance.now()
    let rounds = 0
    let took = 0
    while (took < windowMs) {
      one()
      rounds += 1
      took = performance.now() - begun
    }
    rates.push((rounds * perRound * 1_000) / took)
  }
  threads.parentPort?.postMessage(rates)
}

function primes(max: number): number {
  let found = 0
  for (let candidate = 3; candidate <= max; candidate += 1) {
    const end = Math.sqrt(candidate)
    let divisor = 2
    while (divisor <= end && candidate % divisor !== 0) divisor += 1
    if (divisor > end) found += 1
  }
  return found
}

function copy(bytes: number): () => void {
  const from = new Uint8Array(bytes).fill(1)
  const to = new Uint8Array(bytes).fill(2)
  return () => to.set(from)
}

async function measureDisk(
  folder: string,
  windowMs: number,
): Promise<Pick<Findings, 'diskRead' | 'diskWrite' | 'iops'>> {
  const nothing = { diskRead: 0, diskWrite: 0, iops: 0 }
  const { bavail, bsize } = await statfs(folder)
  const size = Math.floor(Math.min(MAX_FILE_BYTES, bavail * bsize * FILE_SHARE) / LARGE) * LARGE
  if (size < MIN_FILE_BYTES) return nothing
  const path = join(folder, `.cortex-benchmark-${process.pid}`)
  const file = await openPastCache(path)
  if (file === null) return nothing
  try {
    const block = await alignedBuffer(file, LARGE)
    if (block === null) return nothing
    // Whole once before anything counts: what was never written is not on the disk.
    for (let at = 0; at < size; at += LARGE) await file.write(block, 0, LARGE, at)
    await file.datasync()
    const next = inTurn(size)
    const diskWrite = await rate(8, windowMs, async () => (await file.write(block, 0, LARGE, next())).bytesWritten)
    await file.datasync()
    const diskRead = await rate(8, windowMs, async () => (await file.read(block, 0, LARGE, next())).bytesRead)
    let turn = 0
    const small = async (): Promise<number> => {
      const at = Math.floor(Math.random() * (size / SMALL)) * SMALL
      turn += 1
      if (turn % 2 === 0) await file.read(block, 0, SMALL, at)
      else await file.write(block, 0, SMALL, at)
      return 1
    }
    return { diskWrite, diskRead, iops: await rate(DISK_QUEUE, windowMs, small) }
  } finally {
    await file.close()
  }
}

/** A file without a name, so that it is gone whatever ends this process; null where the file system has no such access. */
async function openPastCache(path: string): Promise<FileHandle | null> {
  const { O_RDWR, O_CREAT, O_EXCL, O_DIRECT } = constants
  try {
    return await open(path, O_RDWR | O_CREAT | O_EXCL | O_DIRECT, 0o600)
  } catch {
    return null // it knows no O_DIRECT
  } finally {
    await rm(path, { force: true })
  }
}

/** Memory that begins where the disk wants it to; Node does not say where memory lies, so places are tried. */
async function alignedBuffer(file: FileHandle, bytes: number): Promise<Uint8Array | null> {
  const all = new Uint8Array(bytes + SMALL).fill(7)
  for (let from = 0; from < SMALL; from += 16) {
    const block = all.subarray(from, from + bytes)
    try {
      await file.write(block, 0, SMALL, 0)
      return block
    } catch {
      // Not here.
    }
  }
  return null
}

/** Answers of `one` a second, so many under way at a time. */
async function rate(atOnce: number, windowMs: number, one: () => Promise<number>): Promise<number> {
  const rates: number[] = []
  for (let window = 0; window < WINDOWS; window += 1) {
    const begun = performance.now()
    let done = 0
    const lane = async (): Promise<void> => {
      while (performance.now() - begun < windowMs) done += await one()
    }
    await Promise.all(Array.from({ length: atOnce }, lane))
    rates.push((done * 1_000) / (performance.now() - begun))
  }
  return median(rates)
}

function inTurn(size: number): () => number {
  let place = 0
  return () => {
    place = (place + LARGE) % size
    return place
  }
}

function median(values: number[]): number {
  return Math.round(values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0)
}
