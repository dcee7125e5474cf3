import type { Readable } from 'node:stream'
import { type OutputsSpec, outputPaths, type SentOutput } from '../../protocol/job-outputs.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import { MAX_LEFT_OUT } from '../../protocol/limits.ts'

/** Entries that an event names. */
const SHOWN = 8

/** What this peer's jobs left at their `outputs`, fetched from their providers and kept as tars. */
export interface Outputs {
  /** A job with outputs is about to have a provider: from here on its output is fetched at its end, over restarts. */
  expect(jobId: string): Promise<void>

  /** The job goes, and with it what it left. */
  forget(jobId: string): Promise<void>

  /**
   * The kept tar, or a part of it; null where there is none (any more). `bytes` are those of the whole.
   * @param part at least one byte, within the tar
   */
  open(jobId: string, part?: { offset: number; length: number }): Promise<{ bytes: number; stream: Readable } | null>
}

/** The largest tar of a job with so much storage, in bytes: all that it may write, and room for the tar's own frames. */
export function outputTarBytes(storageBytes: number): number {
  return storageBytes + 64 * 1024 + Math.ceil(storageBytes / 8)
}

/** A GiB is read in so long at the most, in ms: at 8 MiB a second, which a busy disk does. */
const GIB_MS = 128_000

/**
 * How long a provider may take to read what a job of so much storage left, in ms: four minutes, and beyond 1 GiB in
 * proportion. Its requester waits as long, and a little more.
 */
export function outputReadingMs(storageBytes: number): number {
  return 240_000 + Math.ceil((Math.max(0, storageBytes - 2 ** 30) / 2 ** 30) * GIB_MS)
}

/**
 * How long a provider may take to send what a job of so much storage left where that is to go, in ms: ten minutes, and beyond
 * 1 GiB in proportion, which is 1.7 MiB a second. Its requester waits as long.
 */
export function outputSendingMs(storageBytes: number): number {
  return Math.ceil(600_000 * Math.max(1, storageBytes / 2 ** 30))
}

/** Those of a job's outputs that did not go elsewhere. */
export function notSent(outputs: OutputsSpec, sent: readonly SentOutput[] = []): OutputsSpec {
  if (typeof outputs === 'string') return outputs
  return outputs.filter(({ name }) => !sent.some((one) => one.name === name && one.problem === ''))
}

/** What became of a job's outputs. */
export interface JobOutput {
  /**
   * `sent`: all of it went where the job said. `waiting`: the provider has it, and it is on its way here. `held`: the provider has it, and there is no room here, as
   * `message` says. `lost`: it was not kept, and `message` says why.
   */
  state: 'waiting' | 'held' | 'kept' | 'lost' | 'sent'
  /** Of the tar; 0 where it is lost. */
  bytes: number
  /** For people; empty where nothing is wrong. */
  message: string
  /** What of it was not kept; absent in records of before there was this. */
  leftOut?: LeftOut[]
  /** What became of outputs that were to go elsewhere; absent where none was. */
  sent?: SentOutput[]
}

/** Whether something of it is still to come from its provider. */
export function isToCome(output: JobOutput | undefined): output is JobOutput {
  return output?.state === 'waiting' || output?.state === 'held'
}

/** An output of which nothing came: its own path is what was left out, or each of them. */
export function lostOutput(
  outputs: OutputsSpec,
  message: string,
  leftOut: LeftOut[] = [],
): JobOutput & { leftOut: LeftOut[] } {
  const lost = outputPaths(outputs).map(({ path }) => ({ path, reason: `was not kept: ${message}` }))
  return { state: 'lost', bytes: 0, message, leftOut: [...leftOut.slice(0, MAX_LEFT_OUT + 1 - lost.length), ...lost] }
}

/** What of a job's outputs is not here, as its owner is told: what was left out, and what waits at the provider for room. */
export function notHere(outputs: OutputsSpec | undefined, output: JobOutput | undefined): LeftOut[] {
  const leftOut = output?.leftOut ?? []
  if (output?.state !== 'held') return leftOut
  const held = outputPaths(outputs === undefined ? undefined : notSent(outputs, output.sent)).map(({ path }) => ({
    path,
    reason: `is not here yet: ${output.message}`,
  }))
  return [...leftOut.slice(0, MAX_LEFT_OUT + 1 - held.length), ...held]
}

/** What a job's events say of what was left out. */
export function leftOutEvent(leftOut: LeftOut[]): { count: number; message: string } {
  const shown = leftOut.slice(0, SHOWN).map(({ path, reason }) => `${path} ${reason}`)
  const more = leftOut.length > SHOWN ? [`and ${leftOut.length - SHOWN} more`] : []
  return { count: leftOut.length, message: [...shown, ...more].join('; ') }
}
