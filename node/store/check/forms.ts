/**
 * What a record has to have so that the program can use it. Fields that are not named may be anything: versions before and
 * after this one have others.
 */

import { z } from 'zod'
import { parseBytes } from '../../../protocol/units.ts'
import type { DumpRecord } from '../dump.ts'

const count = z.number().int().min(0)
const money = z.string().regex(/^\d+$/)
const receipt = z.looseObject({ provider: z.string(), requester: z.string() }).nullable()
const used = {
  provider: z.string(),
  fence: z.number(),
  pricePerHour: money,
  minimumCharge: money.optional(),
  pricePerGb: money.optional(),
  meteredMs: z.number(),
  networkBytes: z.number().optional(),
  lastReport: z.number(),
  settled: z.boolean(),
  receipt,
}
const award = z.looseObject({ provider: z.string(), fence: z.number(), pricePerHour: money })
const lease = z.looseObject({ ...used, acceptedAtMs: z.number(), lastContactMs: z.number() })
const times = { scheduledAtMs: z.number().nullable(), startedAtMs: z.number().nullable(), endedAtMs: z.number() }
const failure = z.looseObject({ code: z.string(), message: z.string() })

const state = z.discriminatedUnion('status', [
  z.looseObject({
    ...{ status: z.literal('pending'), award: award.nullable(), waitOutMs: z.number() },
    ...{ excluded: z.array(z.string()) },
  }),
  z.looseObject({ status: z.literal('scheduled'), lease, scheduledAtMs: z.number() }),
  z.looseObject({ status: z.literal('running'), lease, scheduledAtMs: z.number(), startedAtMs: z.number() }),
  z.looseObject({ status: z.literal('completed'), lease, ...times }),
  z.looseObject({ status: z.literal('failed'), lease: lease.nullable(), failure, ...times }),
  z.looseObject({ status: z.literal('cancelled'), lease: lease.nullable(), ...times }),
])

const bytes = z.union([z.string(), z.number()]).refine((text) => parseBytes(text) !== null)

const job = z.looseObject({
  id: z.string(),
  owner: z.string(),
  createdAtMs: z.number(),
  spec: z.looseObject({
    ...{ image: z.string(), provider: z.string(), cpu: z.number(), gpu: z.number(), memory: bytes, storage: bytes },
    ...{ duration: z.number(), labels: z.record(z.string(), z.string()) },
  }),
  state,
  attempt: count,
  fence: count,
  durationSeconds: z.number(),
  pastLeases: z.array(z.looseObject({ ...used, attempt: z.number(), outcome: z.string() })),
  logs: z.looseObject({ lines: count, bytes: z.number(), first: count, offset: count }),
  lastEvent: count,
  origin: z.record(z.string(), z.string()),
  output: z.looseObject({ state: z.string(), bytes: z.number() }).optional(),
})

const event = z.looseObject({ seq: count, type: z.string(), timestampMs: z.number(), data: z.looseObject({}) })
const bid = z.looseObject({ attempt: count, provider: z.string(), outcome: z.string(), timestampMs: z.number() })
const line = z.looseObject({ line: z.string(), stream: z.string(), timestampMs: z.number() })
const sample = z.looseObject({ timestampMs: z.number(), cpuMillis: z.number(), memoryBytes: z.number() })

const bill = z.looseObject({
  ...{ id: z.string(), owner: z.string(), createdAtMs: z.number(), durationSeconds: z.number(), state },
  ...{ pastLeases: z.array(z.looseObject(used)), spec: z.looseObject({ labels: z.record(z.string(), z.string()) }) },
})

/** What both sides signed of a volume. */
export const volumeReceipt = z.looseObject({
  ...{ volumeId: z.string(), owner: z.string(), provider: z.string(), number: count, seconds: z.number(), cost: money },
  ...{ signedAtMs: count, signed: z.looseObject({ provider: z.string(), requester: z.string() }) },
})

/** Tables whose records belong to a job, by its id, beside what they hold. */
export const JOB_FORMS = {
  job,
  event,
  bid,
  logs: z.looseObject({ attempt: count, lines: z.array(line) }),
  sample,
  bill,
}

/** Tables of the store that stand by themselves. */
export const OWN_FORMS: Readonly<Record<string, z.ZodType>> = {
  idempotency: z.looseObject({ jobId: z.string(), digest: z.string(), expiresAtMs: z.number() }),
  feed: z.looseObject({ jobId: z.string(), owner: z.string(), event }),
  bills: bill,
  'track-records': z.looseObject({ honoured: z.number(), broken: z.number(), atMs: z.number() }),
  speeds: z.looseObject({ count: z.number() }),
  starts: z.looseObject({ times: z.number(), atMs: z.number() }),
  volumes: z.looseObject({
    ...{ id: z.string(), owner: z.string(), provider: z.string(), jobId: z.string(), state: z.string() },
    ...{ addresses: z.array(z.string()), sizeBytes: z.number(), keepSeconds: z.number() },
  }),
  'volume-receipts': volumeReceipt,
  'first-seen': z.number(),
}

/** What a record holds; null where it has another form, or is no JSON. */
export function formed<T>(form: z.ZodType<T>, [, value]: DumpRecord): T | null {
  try {
    const read = form.safeParse(JSON.parse(value.toString('utf8')))
    return read.success ? read.data : null
  } catch {
    return null // no JSON: what else is wrong with it is nobody's question
  }
}
