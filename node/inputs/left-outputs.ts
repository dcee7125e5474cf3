/**
 * What earlier jobs left, for jobs that bring it: it becomes an upload of its owner, once for all that bring the same, and is
 * given to their providers as that. See docs/decisions/0081-outputs-go-on.md.
 */

import type { BlobSource } from '../../protocol/job-inputs.ts'
import { outputRoots } from '../../protocol/job-outputs.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import { orAborted } from '../abort.ts'
import { outputArrived } from '../outputs/arrived.ts'
import { broughtOn } from '../outputs/bring-on.ts'
import type { Outputs } from '../outputs/index.ts'
import { createTurns } from '../outputs/turns.ts'
import type { JobRecord, JobStore } from '../store/index.ts'
import { createKeyedQueue } from '../store/keyed-queue.ts'
import { UploadError, type Uploads } from '../uploads/index.ts'

/** Those made into uploads at a time: each is read and written whole. */
const TURNS = { all: 4, each: 1 }
/** How many are remembered; others are made again, and come to the same. */
const MAX_KNOWN = 10_000

/** A job's output as an input. */
export interface OutputSource {
  job: string
  /** As an entry of its tar is called. @default all of it */
  path?: string | undefined
}

/** What earlier jobs left, as uploads. */
export interface LeftOutputs {
  /**
   * The upload that a job's output, or a part of it, is. Text for people where there is none, to be read behind the job's id.
   * @param signal an output on its way is waited for no longer, and what is being made of it breaks off
   */
  blobOf(owner: string, from: OutputSource, signal: AbortSignal): Promise<BlobSource | string>
}

/** What {@link createLeftOutputs} works with. */
export interface LeftOutputsComponents {
  store: Pick<JobStore, 'get' | 'onChange'>
  outputs: Pick<Outputs, 'open'>
  uploads: Pick<Uploads, 'begin' | 'append' | 'find' | 'remove'>
}

/** Has made none yet. */
export function createLeftOutputs({ store, outputs, uploads }: LeftOutputsComponents): LeftOutputs {
  const known = new Map<string, BlobSource>()
  const queue = createKeyedQueue()
  const turns = createTurns(TURNS)

  async function remembered(owner: string, key: string): Promise<BlobSource | null> {
    const blob = known.get(key)
    if (blob === undefined) return null
    const found = await uploads.find(owner, blob.sha256)
    return found?.folder === blob.folder ? blob : null
  }

  function remember(key: string, blob: BlobSource): BlobSource {
    known.set(key, blob)
    const [oldest] = known.keys()
    if (known.size > MAX_KNOWN && oldest !== undefined) known.delete(oldest)
    return blob
  }

  async function make(owner: string, { job, path }: { job: string; path: string }, signal: AbortSignal) {
    const part = await broughtOn(outputs, job, path)
    if (part === null) return `has no ${path} in its output`
    const { id } = await uploads.begin({ owner, folder: part.folder, name: `${job}/${path}`, length: null })
    try {
      const source = await part.open()
      source.on('error', () => undefined) // told by whoever reads it
      const upload = await uploads.append({ owner, id, offset: 0 }, breakable(source, signal), true)
      return { sha256: upload.sha256 ?? '', bytes: upload.offset, folder: part.folder }
    } catch (error) {
      await uploads.remove(owner, id)
      throw error
    }
  }

  return {
    async blobOf(owner, { job: id, path }, signal) {
      const named = await store.get(id)
      const problem = outputProblem(owner, named)
      if (named === undefined || problem !== null) return problem ?? ''
      const job = await outputArrived(store, named, signal)
      const lost = lostProblem(job)
      if (lost !== null) return lost
      const from = { job: id, path: path ?? wholeOf(job) }
      const key = `${id}/${from.path}`
      try {
        const made = queue.run(key, async () => {
          const there = await remembered(owner, key)
          if (there !== null) return there
          const blob = await turns.take([owner], async () => await make(owner, from, signal), signal)
          return typeof blob === 'string' ? blob : remember(key, blob)
        })
        return await orAborted(made, signal)
      } catch (error) {
        const why = error instanceof UploadError ? error.message : 'it cannot be read'
        return `left an output that did not become an upload: ${signal.aborted ? 'that took too long' : why}`
      }
    },
  }
}

/**
 * Why a job has no output that this owner could bring, to be read behind the job's id; null where it has one, or one is on its
 * way. A job of another owner is answered as one that does not exist.
 */
export function outputProblem(owner: string, job: JobRecord | undefined): string | null {
  if (job?.owner !== owner) return 'is no job of yours'
  if (job.spec.outputs === undefined) return 'names no outputs'
  if (!isTerminal(job.state.status)) return 'has not ended: submit this one once it has'
  return job.output?.state === 'waiting' ? null : lostProblem(job)
}

/** What all of its output is called: that of several paths is a folder with them, which has no name. */
function wholeOf({ spec }: JobRecord): string {
  const [only = ''] = outputRoots(spec.outputs)
  return Array.isArray(spec.outputs) ? '' : only
}

function lostProblem({ output }: JobRecord): string | null {
  if (output?.state === 'kept') return null
  if (output?.state === 'waiting') return 'has an output that is still on its way: submit this one again later'
  if (output?.state === 'sent') return 'left no output here: it went where that job said'
  return output === undefined || output.message === '' ? 'left no output' : `has no output: ${output.message}`
}

async function* breakable(source: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    signal.throwIfAborted()
    yield chunk
  }
}
