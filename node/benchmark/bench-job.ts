/** The job by which a requester measures a provider's machine itself, with the program that the provider uses. */

import { readFile } from 'node:fs/promises'
import { stripTypeScriptTypes } from 'node:module'
import { extname, join } from 'node:path'
import { z } from 'zod'
import { MAX_LABEL_LENGTH } from '../../protocol/limits.ts'
import type { Measured } from '../../protocol/measured.ts'
import type { JobRecord, JobStore } from '../store/index.ts'
import { DISK_QUEUE, METHOD } from './program.ts'

/** Marks such a job; its value is the version of the methods. */
const BENCH_LABEL = 'cortex.bench'
/** Of each of the six measures, in seconds: enough to tell a third more or less. */
const SECONDS = 1
/** How long it may take, in seconds; the image's pull comes before. */
const DURATION_SECONDS = 120
/** The result is the last line. */
const LINES_READ = 20

/** An image with Node 20 or later, which is all that the program needs. */
export const BENCH_IMAGE = 'node:24-alpine'

const amount = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER)
/** A line of such a job's output: whole numbers in the units of {@link Measured}, and the version of the methods. */
export const figuresSchema = z.object({
  method: z.string().min(1).max(MAX_LABEL_LENGTH),
  ...{ cpuSingle: amount, cpuAll: amount, memoryBandwidth: amount },
  ...{ diskRead: amount, diskWrite: amount, iops: amount },
})

const PROGRAM = join(import.meta.dirname, `program${extname(import.meta.filename)}`)

/**
 * A submission that measures one provider's machine; it costs what a core costs for some seconds.
 *
 * @param provider its peer id
 * @param wanted.image one that has Node 20 or later as `node`. @default {@link BENCH_IMAGE}
 * @param wanted.maxPrice US dollars per hour at most. @default any
 */
export async function benchSubmission(
  provider: string,
  { image = BENCH_IMAGE, maxPrice }: { image?: string | undefined; maxPrice?: number | string | undefined } = {},
) {
  const source = await readFile(PROGRAM, 'utf8')
  const program = extname(PROGRAM) === '.ts' ? stripTypeScriptTypes(source) : source
  // Comments and the room they leave are a third of it, and a word of a command has a limit.
  const text = program.replace(/\/\*\*?[\s\S]*?\*\//g, '').replace(/\n\s*\n+/g, '\n')
  const call = `\nprocess.stdout.write(JSON.stringify(await measure({ folder: '/tmp', seconds: ${SECONDS} })) + '\\n')\n`
  return {
    image,
    provider,
    command: ['node', '--input-type=module', '-e'],
    args: [text + call],
    env: { UV_THREADPOOL_SIZE: String(DISK_QUEUE) },
    labels: { [BENCH_LABEL]: METHOD },
    ...(maxPrice === undefined ? {} : { maxPrice }),
    ...{ cpu: 1_000, memory: '512Mi', storage: '1Gi', duration: DURATION_SECONDS, network: 'none', maxAttempts: 1 },
  } as const
}

/** What such a job found; null of another job, of one that did not end well, and of one that says nothing of the kind. */
export async function benchResult(
  store: Pick<JobStore, 'logs'>,
  job: JobRecord,
): Promise<Omit<Measured, 'atMs'> | null> {
  if (!Object.hasOwn(job.spec.labels, BENCH_LABEL) || job.state.status !== 'completed') return null
  const { lines, first } = job.logs
  const from = Math.max(first, lines - LINES_READ + 1)
  for (const { line } of (await store.logs(job.id, from, LINES_READ)).toReversed()) {
    const found = figuresIn(line)
    if (found !== null) return found
  }
  return null
}

/** What such a job's line says; null of a line of something else. */
export function figuresIn(line: string): Omit<Measured, 'atMs'> | null {
  const found = figuresSchema.safeParse(parsed(line))
  // All cores of the machine are not what a job of one core has.
  return found.success ? { ...found.data, cpuAll: 0 } : null
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    return null // a line of something else
  }
}
