/** Jobs in every state, made as the store makes them; which ones follows from a number alone. */

import { monotonicFactory } from 'ulid'
import type { Clock } from '../../../../node/clock.ts'
import { type Database, openDatabase } from '../../../../node/store/database.ts'
import type { JobRecord, JobState, JobStore } from '../../../../node/store/index.ts'
import { openJobStore } from '../../../../node/store/job-store.ts'
import { createSecretBox } from '../../../../node/store/secret-box.ts'
import { jobSubmissionSchema, splitSecrets } from '../../../../protocol/job-spec.ts'
import { sampleLease } from '../../../support/sample-lease.ts'

const LEASE = sampleLease({ pricePerHour: '1000000000' })

export async function openSampleStore(folder: string, clock: Clock): Promise<{ database: Database; store: JobStore }> {
  const database = await openDatabase(folder)
  return { database, store: await openJobStore({ database, secretBox: createSecretBox('key'), clock }) }
}

export interface Sample {
  owner?: string
  createdAtMs: number
  fields?: object
  batch?: string
  secrets?: Record<string, string>
}

const idsAt = new Map<number, ReturnType<typeof monotonicFactory>>()

/** As `newJobId`, whose time goes back for nobody: other tests in this process were at a later one. */
function jobIdAt(ms: number): string {
  const nextId = idsAt.get(ms) ?? monotonicFactory()
  idsAt.set(ms, nextId)
  return `job_${nextId(ms).toLowerCase()}`
}

export async function submitSample(store: JobStore, sample: Sample): Promise<JobRecord> {
  const { owner = 'alice', createdAtMs, fields = {}, batch, secrets = {} } = sample
  const { job } = await store.create({
    id: jobIdAt(createdAtMs),
    owner,
    ...splitSecrets(jobSubmissionSchema.parse({ image: 'busybox', ...fields, secrets })),
    origin: batch === undefined ? {} : { batch },
  })
  return job
}

/** Takes a new job as far as `status`, `atMs` being the time of each step. */
export async function bringTo(
  store: JobStore,
  id: string,
  status: JobState['status'],
  { provider = 'p1', atMs = 1, meteredMs = 0 } = {},
): Promise<void> {
  if (status === 'pending') return
  const lease = { ...LEASE, provider, meteredMs }
  await store.change(id, (draft) => {
    const step = (from: JobState['status'], to: JobState, event: 'scheduled' | 'started' | 'completed' | 'cancelled') =>
      draft.transition({ expect: [from], to, by: to.status === 'cancelled' ? 'user' : 'provider', event })
    const ended = { scheduledAtMs: atMs, startedAtMs: atMs + 1, endedAtMs: atMs + 2 }
    if (status === 'cancelled') {
      step('pending', { status, lease: null, ...ended, scheduledAtMs: null, startedAtMs: null, exitCode: null }, status)
      return
    }
    step('pending', { status: 'scheduled', lease, scheduledAtMs: atMs }, 'scheduled')
    if (status === 'scheduled') return
    step('scheduled', { status: 'running', lease, scheduledAtMs: atMs, startedAtMs: atMs + 1 }, 'started')
    if (status === 'completed') step('running', { status, lease, ...ended, exitCode: 0 }, 'completed')
  })
}

/** Numbers from 0 to below 1 that follow from the first. */
export function randomFrom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}
