import type { RouteConfig } from '@hono/zod-openapi'
import type { MiddlewareHandler } from 'hono'
import { z } from 'zod'
import { isoTime, isoTimeOrNull } from '../../node/views/time.ts'
import { MAX_BATCH_BODY_BYTES, MAX_BATCH_ROWS, MAX_JOB_VALUES } from '../contract/batch-limits.ts'
import {
  BATCH_EXAMPLE,
  BATCH_ROWS_EXAMPLE,
  batchFormSchema,
  batchRowsSchema,
  batchSchema,
  checkedBatchSchema,
  concurrencySchema,
  newBatchSchema,
  SUBMITTED_EXAMPLE,
  submittedBatchSchema,
} from '../contract/batches.ts'
import { page, success } from '../contract/envelope.ts'
import { flagField, pagingFields } from '../contract/list-fields.ts'
import { type GatewayContext, type GatewayEnv, principalOf } from '../http/context.ts'
import { validationError } from '../http/error-response.ts'
import { GatewayError } from '../http/errors.ts'
import type { Api } from '../http/feature.ts'
import { excessOf } from '../http/json-form.ts'
import { MAX_BODY_DEPTH } from '../http/limits.ts'
import { listOperation, operation } from '../http/operation.ts'
import { idempotencyHeader } from '../jobs/index.ts'
import type { BatchRecord, StatusCounts } from './batch-records.ts'
import type { BatchRunner } from './batch-runner.ts'
import type { BatchStore } from './batch-store.ts'
import type { Uploads } from './read-upload.ts'
import type { RowSource } from './rows.ts'
import type { BatchDesk } from './submit-batch.ts'

const tag = 'Batches'
const BASE = '/plugin-core/jobs'
// biome-ignore lint/suspicious/noTemplateCurlyInString: a placeholder of the API
const BASE_EXAMPLE = JSON.stringify({ image: 'busybox:1.36', args: ['echo', '${word}'] })
const params = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which batch.')
    .meta({ examples: [BATCH_EXAMPLE.id] }),
})

const submitBatch = operation({
  method: 'post',
  path: `${BASE}/batch`,
  operationId: 'submitBatch',
  tag,
  summary: 'Submit many jobs at once',
  description: `All of them or, where one is wrong, none: then \`details\` has \`badRows\`, how many are wrong, and \`rows\`, the \`row\`, \`column\` and \`reason\` of the first hundred. At most ${MAX_BATCH_ROWS} jobs and ${MAX_BATCH_BODY_BYTES} bytes.

As a form: a column named like a field of a job sets it, \`env.NAME\` (also \`secrets.NAME\`, \`labels.NAME\`) an entry of the map, and \`\${column}\` is replaced anywhere in the texts of \`base\`. An empty cell sets nothing; \`""\` is empty text. Cells of lists and objects are JSON; in \`command\` and \`args\`, text that is no list is one argument. The file's delimiter is a comma, semicolon or tab, its encoding UTF-8.`,
  permission: 'jobs:write',
  request: {
    query: z.strictObject({
      dryRun: flagField.describe('Checks all rows and answers how many there are; nothing is submitted.'),
    }),
    headers: idempotencyHeader,
    body: {
      required: true,
      description: 'The jobs: as JSON, or as a CSV file.',
      content: {
        'application/json': {
          schema: newBatchSchema,
          example: { jobs: [{ image: 'busybox:1.36', args: ['date'] }], concurrency: 5 },
        },
        'multipart/form-data': {
          schema: batchFormSchema,
          example: { base: BASE_EXAMPLE, file: 'word,cpu\nhello,500\n' },
        },
      },
    },
  },
  data: z
    .union([submittedBatchSchema, checkedBatchSchema])
    .describe('The batch; with `?dryRun=true` that it may be submitted.'),
  status: 201,
  example: SUBMITTED_EXAMPLE,
  errors: ['IDEMPOTENCY_CONFLICT'],
})

const listBatches = listOperation({
  method: 'get',
  path: `${BASE}/batches`,
  operationId: 'listBatches',
  tag,
  summary: 'List batches, newest first',
  permission: 'jobs:read',
  request: { query: z.strictObject(pagingFields) },
  data: batchSchema,
  example: BATCH_EXAMPLE,
})

const getBatch = operation({
  method: 'get',
  path: `${BASE}/batches/{id}`,
  operationId: 'getBatch',
  tag,
  summary: 'How far a batch is',
  permission: 'jobs:read',
  request: { params },
  data: batchSchema,
  example: BATCH_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})

const cancelBatch = operation({
  method: 'post',
  path: `${BASE}/batches/{id}/cancel`,
  operationId: 'cancelBatch',
  tag,
  summary: 'Cancel what has not ended of a batch',
  permission: 'jobs:write',
  request: { params },
  data: batchSchema,
  example: { ...BATCH_EXAMPLE, status: 'cancelling' },
  errors: ['RESOURCE_NOT_FOUND', 'JOB_STATE_CONFLICT'],
})

const getBatchRows = operation({
  method: 'get',
  path: `${BASE}/batches/{id}/rows`,
  operationId: 'getBatchRows',
  tag,
  summary: 'What became of each row of a batch',
  permission: 'jobs:read',
  request: { params },
  data: batchRowsSchema,
  example: BATCH_ROWS_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND'],
})

const retryBatch = operation({
  method: 'post',
  path: `${BASE}/batches/{id}/retry`,
  operationId: 'retryBatch',
  tag,
  summary: 'Run the failed jobs of a batch again',
  description:
    'As a batch of their own, with the secrets that they had and as many at a time; its `retryOf` names this one, and its rows keep their numbers. Asked again it answers that batch, whose own failed jobs are run again by its own `retry`. A batch that goes on is refused: wait for its end, or cancel it.',
  permission: 'jobs:write',
  request: { params },
  data: submittedBatchSchema,
  status: 201,
  example: SUBMITTED_EXAMPLE,
  errors: ['RESOURCE_NOT_FOUND', 'JOB_STATE_CONFLICT'],
})

interface BatchComponents {
  batches: BatchStore
  batchDesk: BatchDesk
  batchRunner: BatchRunner
  uploads: Uploads
}

/** Many jobs as one. To be added before the routes of single jobs. */
export function addBatchRoutes(api: Api, { batches, batchDesk, batchRunner, uploads }: BatchComponents): void {
  async function visible(c: GatewayContext, id: string): Promise<BatchRecord> {
    const record = await batches.visible(principalOf(c), id)
    if (record !== undefined) return record
    throw new GatewayError('RESOURCE_NOT_FOUND', `There is no batch ${id}`)
  }

  const view = async (record: BatchRecord) => batchView(record, await batchRunner.counts(record))

  async function submit(c: GatewayContext, rows: RowSource, concurrency: number, digest: string) {
    if (isDryRun(c))
      return c.json(success({ valid: true as const, total: await batchDesk.check(rows, principalOf(c).owner) }), 200)
    const key = idempotencyKeyOf(c)
    const { record, jobIds, repeated } = await batchDesk.submit({
      owner: principalOf(c).owner,
      rows,
      concurrency,
      requestId: c.var.requestId,
      idempotency: key === undefined ? null : { key, digest },
    })
    if (repeated) c.header('Idempotency-Replayed', 'true')
    return c.json(success({ batchId: record.id, jobIds, status: 'submitted' as const }), repeated ? 200 : 201)
  }

  async function fromForm(c: GatewayContext): Promise<Response> {
    const upload = await uploads.readForm(c)
    try {
      const { fields, file, digest } = upload
      if (file === null) throw wrong('file', 'is missing: it must be a CSV file')
      const base = baseOf(fields.get('base') ?? '{}')
      const { csvRows } = await import('./csv-rows.ts')
      return await submit(c, csvRows(file, base), concurrencyOf(fields.get('concurrency')), digest)
    } finally {
      await upload.dispose()
    }
  }

  async function fromJson(c: GatewayContext): Promise<Response> {
    const { file, digest, dispose } = await uploads.readBody(c)
    try {
      const { openJsonBatch } = await import('./json-rows.ts')
      const { rows, concurrency } = await openJsonBatch(file)
      return await submit(c, rows, concurrency, digest)
    } finally {
      await dispose()
    }
  }

  // By hand, because the library would hold a whole form in memory, and stop at the first problems of a list.
  const { middleware, ...documented } = submitBatch as unknown as RouteConfig & {
    middleware: [MiddlewareHandler<GatewayEnv>]
  }
  api.openAPIRegistry.registerPath(documented)
  api.post(submitBatch.getRoutingPath(), middleware[0], async (c) => {
    const type = c.req.header('content-type') ?? ''
    if (/^multipart\/form-data\s*;/i.test(type)) return await fromForm(c)
    if (/^application\/json\b/i.test(type)) return await fromJson(c)
    throw new GatewayError('VALIDATION_ERROR', 'Send the batch as application/json or as multipart/form-data')
  })

  api.openapi(listBatches, async (c) => {
    const { items, pagination } = await batches.page(principalOf(c), c.req.valid('query'))
    return c.json(page(await Promise.all(items.map(view)), pagination), 200)
  })

  api.openapi(getBatch, async (c) => c.json(success(await view(await visible(c, c.req.valid('param').id))), 200))

  api.openapi(getBatchRows, async (c) => {
    const record = await visible(c, c.req.valid('param').id)
    const [members, numbers] = [await batches.members(record.id), await batches.rows(record.id)]
    const outcomes = await batchRunner.outcomes(record, members)
    const rows = members.map((jobId, i) => ({ row: numbers[i] ?? i + 1, jobId, status: outcomes[i] ?? null }))
    return c.json(success({ id: record.id, rows }), 200)
  })

  api.openapi(retryBatch, async (c) => {
    const first = await visible(c, c.req.valid('param').id)
    const { record, jobIds, repeated } = await batchDesk.retry(first, c.var.requestId)
    if (repeated) c.header('Idempotency-Replayed', 'true')
    const answer = { batchId: record.id, jobIds, status: 'submitted' as const }
    return c.json(success(answer), repeated ? (200 as 201) : 201)
  })

  api.openapi(cancelBatch, async (c) => {
    const record = await visible(c, c.req.valid('param').id)
    if (record.endedAtMs !== null) {
      throw new GatewayError('JOB_STATE_CONFLICT', `The batch is ${record.status}: nothing is left to cancel`)
    }
    return c.json(success(await view(await batchRunner.cancel(record))), 200)
  })
}

/** A batch as the API shows it. */
export function batchView(record: BatchRecord, counts: StatusCounts): z.input<typeof batchSchema> {
  const { id, status, total, concurrency, createdAtMs, endedAtMs, retryOf = null, retriedAs = null } = record
  return {
    id,
    // What is being prepared is shown to nobody.
    status: status === 'preparing' ? 'submitted' : status,
    total,
    concurrency,
    counts,
    createdAt: isoTime(createdAtMs),
    endedAt: isoTimeOrNull(endedAtMs),
    retryOf,
    retriedAs,
  }
}

function isDryRun(c: GatewayContext): boolean {
  const parsed = z.strictObject({ dryRun: flagField }).safeParse(c.req.query())
  if (!parsed.success) throw validationError(parsed.error, 'query')
  return parsed.data.dryRun
}

function idempotencyKeyOf(c: GatewayContext): string | undefined {
  const parsed = idempotencyHeader.safeParse({ 'idempotency-key': c.req.header('idempotency-key') })
  if (!parsed.success) throw validationError(parsed.error, 'header')
  return parsed.data['idempotency-key']
}

function concurrencyOf(text: string | undefined): number {
  const number = text === undefined || !/^\d+$/.test(text.trim()) ? text : Number(text)
  const parsed = z.strictObject({ concurrency: concurrencySchema }).safeParse({ concurrency: number })
  if (!parsed.success) throw validationError(parsed.error, 'body')
  return parsed.data.concurrency
}

function baseOf(text: string): Record<string, unknown> {
  // Before it is parsed: there may be half a million in it.
  const excess = excessOf(text, { values: MAX_JOB_VALUES, depth: MAX_BODY_DEPTH })
  if (excess !== null) throw wrong('base', excess)
  const base = parsedBase(text)
  if (typeof base !== 'object' || base === null || Array.isArray(base)) throw wrong('base', 'must be a job, as JSON')
  return base as Record<string, unknown>
}

function parsedBase(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    const message = 'base is not JSON: check quotes, commas and brackets'
    throw new GatewayError('VALIDATION_ERROR', message, { cause, details: { in: 'body' } })
  }
}

function wrong(path: string, message: string): GatewayError {
  const details = { fields: [{ path, message }], in: 'body' }
  return new GatewayError('VALIDATION_ERROR', `${path} ${message}`, { details })
}
