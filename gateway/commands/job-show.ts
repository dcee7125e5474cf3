import type { FieldRow } from '../../node/commands/field-rows.ts'
import { printJson, say } from '../../node/commands/print.ts'
import { gpuText } from '../../node/views/gpu-view.ts'
import { missingText } from '../../node/views/missing-text.ts'
import { FAULTS, failureSentences } from '../../protocol/failures.ts'
import type { Batch, Bid, DryRun, Job, JobListItem, Waiting } from '../client/index.ts'
import { JOB_STATUSES } from '../contract/job-status.ts'
import { shownName } from '../contract/names.ts'

/** Jobs as people read them. */
export async function jobTable(jobs: JobListItem[], options: { json?: true }): Promise<void> {
  const { dollars, shortId, showList, when } = await import('./show.ts')
  showList(jobs, options, ['JOB', 'STATUS', 'IMAGE', 'PROVIDER', 'CREATED', 'COST', 'NAME'], ({ batch, ...job }) => [
    batch?.id ?? job.id ?? '',
    batch === undefined ? (job.status ?? '') : countsText(batch.counts),
    job.image ?? '',
    shortId(job.assignedProvider),
    when(job.createdAt),
    job.cost === undefined ? '-' : dollars(job.cost.current),
    job.name ?? '-',
  ])
}

/** How many jobs are in each status, e.g. `47 completed, 3 failed`. */
function countsText(counts: Batch['counts']): string {
  return JOB_STATUSES.filter((status) => counts[status] > 0)
    .map((status) => `${counts[status]} ${status}`)
    .join(', ')
}

/** What a bid says of the machine that the job would have: heads of {@link machineCells}. */
export const MACHINE_HEAD = ['GPU', 'PLATFORM', 'ISOLATION', 'MISSING']
const DRY_RUN_HEAD = [
  'PROVIDER',
  'TAKES IT',
  'PRICE',
  'AT LEAST',
  'PER GB',
  'PER GB-HOUR KEPT',
  'COST',
  ...MACHINE_HEAD,
  'SCORE',
  'REASON',
]

/** A dash each where it does not say. */
export function machineCells({ gpu, platform, emulated, isolation, ...data }: Offered): string[] {
  return [
    gpu === null ? '-' : gpuText(gpu),
    `${platform ?? '-'}${emulated ? ', emulated' : ''}`,
    isolation ?? '-',
    missingText({
      missingBytes: data.missingBytes,
      waitMs: data.waitSeconds === null ? null : 1_000 * data.waitSeconds,
    }),
  ]
}

type Offered = Pick<Bid, 'gpu' | 'platform' | 'emulated' | 'isolation' | 'missingBytes' | 'waitSeconds'>

/** Who would take a job. */
export async function showBids({ accepted, quotes, ...rest }: DryRun, options: { json?: true }): Promise<void> {
  const { dollars, showList } = await import('./show.ts')
  if (options.json === true) {
    printJson({ ...rest, accepted, quotes })
    return
  }
  showList(quotes, options, DRY_RUN_HEAD, (quote) => [
    shownName(quote.name, quote.provider),
    quote.accepts ? 'yes' : 'no',
    quote.price === null ? '-' : `${dollars(quote.price)}/h`,
    quote.minimumCharge === null ? '-' : dollars(quote.minimumCharge),
    quote.pricePerGb === null ? '-' : dollars(quote.pricePerGb),
    quote.volumePerGbHour === null ? '-' : dollars(quote.volumePerGbHour),
    quote.cost === null ? '-' : dollars(quote.cost),
    ...machineCells(quote),
    quote.score === null ? '-' : quote.score.toFixed(3),
    quote.reason,
  ])
  if (accepted) return
  const { nearest, helps } = rest
  say(nearest === null ? 'Nobody would take it now' : failureSentences(nearest))
  for (const { text } of helps) say(`it would be taken: ${text}`)
}

/** One job as people read it. */
export async function showJob(job: Job, options: { json?: true }): Promise<void> {
  const { showOne } = await import('./show.ts')
  const rows = await jobRows(job)
  showOne(job, options, () => rows)
}

/** See `allRows`. */
export async function jobRows(job: Job): Promise<{ [K in keyof Job]?: FieldRow[] }> {
  const { dollars, fieldRows, pairs, when } = await import('./show.ts')
  const { error, waiting, hidden, cost, config, results, events = [] } = job
  return {
    id: [['job', job.id]],
    name: [['name', job.name ?? '']],
    status: [['status', job.status]],
    attempt: [['attempt', `${job.attempt} of ${job.maxAttempts}`]],
    maxAttempts: [],
    error: error === null ? [] : errorRows(error, pairs(error.details)),
    waiting: waiting === undefined ? [] : waitingRows(waiting, when(waiting.givesUpAt)),
    hidden: hidden === undefined ? [] : hiddenRows(hidden),
    image: [['image', job.image]],
    command: [['command', [...job.command, ...job.args].join(' ')]],
    args: [],
    cpu: [
      [
        'resources',
        `${job.cpu}m CPU, ${job.memory} memory, ${job.storage} storage${job.gpu > 0 ? `, ${job.gpu} GPU` : ''}`,
      ],
    ],
    memory: [],
    storage: [],
    gpu: [],
    duration: [['duration', `at most ${job.duration} s`]],
    config: fieldRows(config),
    provider: [['asked of', job.provider]],
    assignedProvider: [['provider', job.assignedProvider ?? 'not chosen']],
    createdAt: [['created', when(job.createdAt)]],
    scheduledAt: [['scheduled', when(job.scheduledAt)]],
    startedAt: [['started', when(job.startedAt)]],
    endedAt: [['ended', when(job.endedAt)]],
    results: [
      ...(results.logProblem === undefined ? [] : [['log', results.logProblem] satisfies FieldRow]),
      ['exit code', results.exitCode === null ? '' : String(results.exitCode)],
      ['output', results.outputUrl ?? ''],
      ...results.leftOut.map(({ path, reason }): FieldRow => ['left out', `${path} ${reason}`]),
    ],
    cost: [['cost', costText(cost, dollars)]],
    endpoints: job.endpoints.map(({ port, protocol, health, url, address }) => [
      `port ${port}/${protocol}`,
      `${health} at ${url}${address === null ? '' : `, public at ${address}`}`,
    ]),
    health: [['health', job.health ?? '']],
    labels: [['labels', pairs(job.labels)]],
    origin: [['origin', pairs(job.origin)]],
    events: [['events', events.map(({ type }) => type).join(', ')]],
    debug: [],
  }
}

function errorRows(error: NonNullable<Job['error']>, details: string): FieldRow[] {
  return [
    ['error', `${error.code}: ${failureSentences(error)}`],
    ['mended by', FAULTS[error.fault].who],
    ['details', details],
    ...(error.change === null ? [] : [['would help', error.change.text] satisfies FieldRow]),
  ]
}

function waitingRows({ answered, nearest }: Waiting, givesUp: string): FieldRow[] {
  const why = nearest === null ? 'nobody was asked yet' : failureSentences(nearest)
  return [
    ['waits', `${why} (${answered} answered)`],
    ['gives up', givesUp],
  ]
}

function hiddenRows(hidden: NonNullable<Job['hidden']> | null): FieldRow[] {
  if (hidden === null) return [['secrets', 'cannot be opened: the gateway had another master key']]
  const { secrets, registryCredentials } = hidden
  return [
    ...(secrets.length === 0 ? [] : [['secrets', secrets.join(', ')] satisfies FieldRow]),
    ...(registryCredentials ? [['registry', 'credentials were given'] satisfies FieldRow] : []),
  ]
}

function costText({ current, projected, final, claimed }: Job['cost'], dollars: (amount: number) => string): string {
  const owed = final === undefined ? `${dollars(current)}, ${dollars(projected)} at most` : dollars(final)
  return claimed === undefined ? owed : `${owed}; its provider claims ${dollars(claimed)}, which was not signed`
}
