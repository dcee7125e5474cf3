import { appendFile, mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import PQueue from 'p-queue'
import pRetry, { AbortError } from 'p-retry'
import { isJobId } from '../../protocol/ids.ts'
import { isTerminal } from '../../protocol/lifecycle.ts'
import type { Clock } from '../clock.ts'
import type { Logger } from '../logger.ts'
import type { PeerNetwork } from '../network/index.ts'
import type { JobRecord, JobStore } from '../store/index.ts'
import { leaseOf } from '../store/records.ts'
import { fetchOutput, OutputGoneError } from './fetch.ts'
import type { JobOutput, Outputs } from './index.ts'

export interface OutputKeeperInit {
  folder: string
  /** The largest tar that is fetched, in bytes. @default 1 GiB */
  maxOutputBytes?: number
  /** All of them together, in bytes; beyond it the oldest go. @default 16 GiB */
  maxTotalBytes?: number
  /** How long one is kept, in ms. @default 30 days */
  retentionMs?: number
}

export interface OutputKeeper extends Outputs {
  /** Takes up what the last process left. */
  start(): Promise<void>
  stop(): Promise<void>
}

const GIB = 2 ** 30
const MIB = 2 ** 20
const DAY_MS = 24 * 3_600_000
/** Outputs that are fetched at a time. */
const MAX_FETCHES = 4
/** Tries to fetch one, the pause between two growing to a minute: about as long as a provider keeps it. */
const FETCH_TRIES = 10_000
/** How often what is too old is looked for, in ms. */
const SWEEP_MS = 3_600_000

/**
 * Each job with outputs has an empty file `JOB.expected` from before its provider was told of it until its output is
 * here, so that a crash at any point leaves a list of what is still to be fetched; then there is `JOB.tar`.
 */
export function createOutputKeeper(
  components: {
    network: PeerNetwork
    store: Pick<JobStore, 'get' | 'change' | 'onChange'>
    clock: Clock
    logger: Logger
  },
  init: OutputKeeperInit,
): OutputKeeper {
  const { network, store, clock, logger } = components
  const { folder, maxOutputBytes = GIB, maxTotalBytes = 16 * GIB, retentionMs = 30 * DAY_MS } = init
  const scope = new AbortController()
  const fetches = new PQueue({ concurrency: MAX_FETCHES })
  const watched = new Map<string, () => void>()
  const settling = new Set<Promise<void>>()
  let sweeping: Promise<void> = Promise.resolve()

  const expectedOf = (jobId: string): string => join(folder, `${jobId}.expected`)
  const partOf = (jobId: string): string => join(folder, `${jobId}.part`)
  const tarOf = (jobId: string): string => join(folder, `${jobId}.tar`)

  async function note(jobId: string, output: JobOutput): Promise<void> {
    await store.change(jobId, (draft) => draft.patch({ output }))
  }

  function watch(jobId: string): void {
    if (watched.has(jobId) || scope.signal.aborted) return
    const look = (): void => {
      void store
        .get(jobId)
        .then((job) => {
          if (job === undefined || isTerminal(job.state.status)) settle(jobId, job)
        })
        .catch((error: unknown) => logger.error({ jobId, error }, 'an output was not looked after'))
    }
    watched.set(jobId, store.onChange(jobId, look))
    look()
  }

  /** The job is over: what it left is fetched, or there is nothing to wait for. */
  function settle(jobId: string, job: JobRecord | undefined): void {
    const stop = watched.get(jobId)
    if (stop === undefined) return
    watched.delete(jobId)
    stop()
    const settled = (async () => {
      if (job?.output?.state === 'waiting') await bring(job, job.output)
      await rm(partOf(jobId), { force: true })
      await rm(expectedOf(jobId), { force: true })
    })().catch((error: unknown) => {
      if (!scope.signal.aborted) logger.error({ jobId, error }, 'an output was not fetched')
    })
    settling.add(settled)
    void settled.then(() => settling.delete(settled))
  }

  async function bring(job: JobRecord, { bytes }: JobOutput): Promise<void> {
    const lease = leaseOf(job)
    if (lease === null) return
    if (bytes > maxOutputBytes) {
      const message = `The outputs are larger than the ${Math.floor(maxOutputBytes / MIB)} MiB that are kept here`
      return await note(job.id, { state: 'lost', bytes: 0, message })
    }
    try {
      // A crash may have come between the tar's arrival and this note of it.
      if (!(await isHere(job.id, bytes))) {
        // A provider that is away takes no turn from the others while it is waited for.
        const fetchInTurn = async () => await fetches.add(async () => await fetchOnce(job, lease, bytes))
        await pRetry(fetchInTurn, {
          retries: FETCH_TRIES,
          minTimeout: 200,
          maxTimeout: 60_000,
          randomize: true,
          signal: scope.signal,
        })
      }
      await note(job.id, { state: 'kept', bytes, message: '' })
    } catch (error) {
      scope.signal.throwIfAborted()
      logger.warn({ jobId: job.id, error: String(error) }, 'an output is lost')
      const message = error instanceof OutputGoneError ? error.message : 'The outputs could not be fetched'
      await note(job.id, { state: 'lost', bytes: 0, message })
    }
  }

  async function isHere(jobId: string, bytes: number): Promise<boolean> {
    const found = await stat(tarOf(jobId)).catch(() => null) // not there: the usual
    return found?.size === bytes
  }

  async function fetchOnce(job: JobRecord, lease: NonNullable<ReturnType<typeof leaseOf>>, bytes: number) {
    scope.signal.throwIfAborted()
    const part = partOf(job.id)
    await makeRoom(bytes)
    await appendFile(part, '', { mode: 0o600 })
    try {
      await fetchOutput({ network, clock }, { jobId: job.id, lease, bytes, part, signal: scope.signal }, async () => {
        await rename(part, tarOf(job.id))
      })
    } catch (error) {
      if (error instanceof OutputGoneError) throw new AbortError(error)
      throw error
    }
  }

  async function kept(): Promise<{ jobId: string; bytes: number; keptAtMs: number }[]> {
    const names = (await readdir(folder)).filter((name) => name.endsWith('.tar'))
    const found = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(join(folder, name))
        return { jobId: name.slice(0, -'.tar'.length), bytes: size, keptAtMs: mtimeMs }
      }),
    )
    return found.toSorted((a, b) => a.keptAtMs - b.keptAtMs)
  }

  async function forget(jobId: string, message: string): Promise<void> {
    await rm(tarOf(jobId), { force: true })
    const job = isJobId(jobId) ? await store.get(jobId) : undefined
    if (job !== undefined) await note(jobId, { state: 'lost', bytes: 0, message })
  }

  async function makeRoom(bytes: number): Promise<void> {
    const all = await kept()
    let total = all.reduce((sum, one) => sum + one.bytes, bytes)
    for (const one of all) {
      if (total <= maxTotalBytes) return
      await forget(one.jobId, 'The outputs gave way to newer ones')
      total -= one.bytes
    }
  }

  async function sweep(): Promise<void> {
    while (!scope.signal.aborted) {
      for (const { jobId, keptAtMs } of await kept()) {
        if (clock.nowMs() - keptAtMs > retentionMs) await forget(jobId, 'The outputs were kept for as long as they are')
      }
      await clock.sleep(SWEEP_MS, scope.signal).catch(() => undefined) // stopped: the loop ends
    }
  }

  return {
    async start() {
      await mkdir(folder, { recursive: true, mode: 0o700 })
      for (const name of await readdir(folder)) {
        const jobId = name.replace(/\.expected$/, '')
        if (jobId !== name && isJobId(jobId)) watch(jobId)
      }
      sweeping = sweep().catch((error: unknown) => logger.error({ error }, 'old outputs were not looked for'))
    },
    async stop() {
      scope.abort(new Error('The node is stopping'))
      for (const stop of watched.values()) stop()
      watched.clear()
      await Promise.all([...settling, sweeping])
    },
    async expect(jobId) {
      if (watched.has(jobId)) return
      await writeFile(expectedOf(jobId), '', { mode: 0o600 })
      watch(jobId)
    },
    async open(jobId) {
      if (!isJobId(jobId)) return null
      try {
        const file = await open(tarOf(jobId))
        return { bytes: (await file.stat()).size, stream: file.createReadStream() }
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
        throw error
      }
    },
  }
}
