import { Command, Option } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { group } from '../../node/commands/group.ts'
import { wholeNumber } from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import type { Batch, CortexClient, JobSubmission, SubmittedBatch } from '../client/index.ts'
import { MAX_BATCH_ROWS } from '../contract/batch-limits.ts'
import { JOB_STATUSES } from '../contract/job-status.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** Bad rows that are shown. */
const SHOWN_ROWS = 20

/** `cortex batch …`: many jobs as one. */
export function batchCommand(): Command {
  return group(
    'batch',
    'many jobs as one',
    [submit(), list(), get(), rows(), retry(), cancel()],
    ['submit -f base.json --csv rows.csv --concurrency 5'],
  )
}

interface SubmitOptions extends ConnectionOptions {
  file?: string
  csv?: string
  concurrency?: number
  idempotencyKey?: string
}

function submit(): Command {
  const command = new Command('submit')
    .description('submit a job for each row, or none where one is wrong; prints the batch’s id')
    .option('-f, --file <path>', 'the job that rows change, in JSON or YAML; or `jobs: […]` without --csv')
    .option('--csv <path>', 'a column named like a field sets it; - for standard input')
    .option('--concurrency <number>', 'how many run at a time', wholeNumber(1, MAX_BATCH_ROWS))
    .option('--idempotency-key <text>', 'submitting again under it answers the first batch')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex batch submit -f base.json --csv rows.csv --concurrency 5')
    .action(
      asking(async (client, options: SubmitOptions) => {
        await showSubmitted(await sent(client, options), options)
      }),
    )
}

async function showSubmitted(answer: SubmittedBatch, options: ConnectionOptions): Promise<void> {
  const { print, printJson } = await import('../../node/commands/print.ts')
  if (options.json === true) return printJson(answer)
  print(answer.batchId)
  say(`${answer.jobIds.length} job${answer.jobIds.length === 1 ? '' : 's'}`)
}

async function sent(client: CortexClient, options: SubmitOptions): Promise<SubmittedBatch> {
  const { readInput, readObject } = await import('../../node/commands/input-file.ts')
  const { file, csv, concurrency, idempotencyKey } = options
  const base = file === undefined ? {} : await readObject(file)
  try {
    if (csv !== undefined) {
      const rows = { base: base as Partial<JobSubmission>, csv: await readInput(csv), concurrency }
      return await client.batches.submitCsv(rows, { idempotencyKey })
    }
    if (!Array.isArray(base.jobs)) throw new CliError('Give the rows with --csv, or a file that holds jobs: […]')
    const { jobs } = base as { jobs: JobSubmission[] }
    const most = concurrency ?? (base.concurrency as number | undefined)
    return await client.batches.submit(
      { jobs, ...(most === undefined ? {} : { concurrency: most }) },
      { idempotencyKey },
    )
  } catch (error) {
    await showBadRows(error)
    throw error
  }
}

/** The error itself says how many; this says which. */
async function showBadRows(error: unknown): Promise<void> {
  const details = error instanceof Error && 'details' in error ? (error.details as { rows?: unknown }) : undefined
  if (!Array.isArray(details?.rows)) return
  const { table } = await import('../../node/commands/output.ts')
  const rows = (details.rows as { row: unknown; column: unknown; reason: unknown }[]).slice(0, SHOWN_ROWS)
  const cells = rows.map(({ row, column, reason }) => [String(row), String(column ?? '-'), String(reason)])
  say(...table(['ROW', 'COLUMN', 'REASON'], cells))
}

function list(): Command {
  return withConnection(new Command('list').description('your batches'))
    .addHelpText('after', '\nExample:\n  $ cortex batch list')
    .action(
      asking(async (client, options: ConnectionOptions) => {
        const { showList, when } = await import('./show.ts')
        const { items } = await client.batches.list({ limit: 100 })
        showList(items, options, ['BATCH', 'STATUS', 'JOBS', 'ENDED', 'FAILED', 'CREATED'], (one) => [
          one.id,
          one.status,
          String(one.total),
          String(one.counts.completed + one.counts.failed + one.counts.cancelled),
          String(one.counts.failed),
          when(one.createdAt),
        ])
      }),
    )
}

function get(): Command {
  return withConnection(new Command('get').description('how far a batch is').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex batch get batch_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await show(await client.batches.get(id), options),
      ),
    )
}

function rows(): Command {
  const command = new Command('rows')
    .description('what became of each row')
    .argument('<id>', 'which')
    .addOption(new Option('--status <status...>', 'only these').choices(JOB_STATUSES))
  type Options = ConnectionOptions & { status?: string[] }
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex batch rows batch_01k8m3q7w9x2 --status failed')
    .action(
      asking(async (client, id: string, options: Options) => {
        const { showList } = await import('./show.ts')
        const { status: wanted } = options
        const all = (await client.batches.rows(id)).rows
        const some = all.filter(({ status }) => wanted === undefined || (status !== null && wanted.includes(status)))
        showList(some, options, ['ROW', 'STATUS', 'JOB'], ({ row, status, jobId }) => [
          String(row),
          status ?? 'forgotten',
          jobId,
        ])
      }),
    )
}

function retry(): Command {
  const command = new Command('retry').description(
    'run its failed jobs again, as a batch of their own; prints that one’s id',
  )
  return withConnection(command.argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex batch retry batch_01k8m3q7w9x2')
    .action(
      asking(async (client, id: string, options: ConnectionOptions) => {
        await showSubmitted(await client.batches.retry(id), options)
      }),
    )
}

function cancel(): Command {
  return withConnection(new Command('cancel').description('cancel what has not ended').argument('<id>', 'which'))
    .addHelpText('after', '\nExample:\n  $ cortex batch cancel batch_01k8m3q7w9x2')
    .action(
      asking(
        async (client, id: string, options: ConnectionOptions) => await show(await client.batches.cancel(id), options),
      ),
    )
}

async function show(batch: Batch, options: ConnectionOptions): Promise<void> {
  const { fieldRows, showOne, when } = await import('./show.ts')
  showOne(batch, options, (one) => ({
    id: [['batch', one.id]],
    status: [['status', one.status]],
    total: [['jobs', `${one.total}, ${one.concurrency} at a time`]],
    concurrency: [],
    counts: fieldRows(one.counts),
    createdAt: [['created', when(one.createdAt)]],
    endedAt: [['ended', when(one.endedAt)]],
    retryOf: one.retryOf === null ? [] : [['runs again', one.retryOf]],
    retriedAs: one.retriedAs === null ? [] : [['run again as', one.retriedAs]],
  }))
}
