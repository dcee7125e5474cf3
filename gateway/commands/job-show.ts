import { printJson, say } from '../../node/commands/print.ts'
import { FAULTS, failureSentences } from '../../protocol/failures.ts'
import type { DryRun, Job, JobListItem } from '../client/index.ts'
import { shownName } from '../contract/names.ts'

/** Jobs as people read them. */
export async function jobTable(jobs: JobListItem[], options: { json?: true }): Promise<void> {
  const { dollars, shortId, showList, when } = await import('./show.ts')
  showList(jobs, options, ['JOB', 'STATUS', 'IMAGE', 'PROVIDER', 'CREATED', 'COST'], (job) => [
    job.id ?? '',
    job.status ?? '',
    job.image ?? '',
    shortId(job.assignedProvider),
    when(job.createdAt),
    job.cost === undefined ? '-' : dollars(job.cost.current),
  ])
}

/** Who would take a job. */
export async function showBids({ accepted, quotes, ...rest }: DryRun, options: { json?: true }): Promise<void> {
  const { dollars, showList } = await import('./show.ts')
  if (options.json === true) {
    printJson({ ...rest, accepted, quotes })
    return
  }
  showList(quotes, options, ['PROVIDER', 'TAKES IT', 'PRICE', 'COST', 'PLATFORM', 'ISOLATION', 'REASON'], (quote) => [
    shownName(quote.name, quote.provider),
    quote.accepts ? 'yes' : 'no',
    quote.price === null ? '-' : `${dollars(quote.price)}/h`,
    quote.cost === null ? '-' : dollars(quote.cost),
    quote.platform ?? '-',
    quote.isolation ?? '-',
    quote.reason,
  ])
  if (!accepted) say('Nobody would take it now: the reasons say what to change')
}

/** What was asked of its GPUs, in brackets. */
function gpuWords({ config }: Job): string {
  const { gpuRequirements: asked } = config
  if (typeof asked !== 'object' || asked === null) return ''
  const words = Object.entries(asked).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(' or ') : value}`,
  )
  return ` (${words.join(', ')})`
}

/** One job as people read it. */
export async function showJob(job: Job, options: { json?: true }): Promise<void> {
  const { dollars, pairs, showOne, when } = await import('./show.ts')
  const { error, cost, config, results, events = [] } = job
  showOne(job, options, () => [
    ['job', job.id],
    ['status', `${job.status}${job.attempt > 1 ? `, attempt ${job.attempt} of ${job.maxAttempts}` : ''}`],
    ...(error === null ? [] : [['error', `${error.code}: ${failureSentences(error)}`] as [string, string]]),
    ...(error === null ? [] : [['mended by', FAULTS[error.fault].who] as [string, string]]),
    ['image', job.image],
    ['command', [...job.command, ...job.args].join(' ')],
    [
      'resources',
      `${job.cpu}m CPU, ${job.memory} memory, ${job.storage} storage${job.gpu > 0 ? `, ${job.gpu} GPU${gpuWords(job)}` : ''}`,
    ],
    ...(['platform', 'isolation'] as const).flatMap((field) => {
      const { [field]: value } = config
      return typeof value === 'string' ? [[field, value] as [string, string]] : []
    }),
    ['duration', `at most ${job.duration} s`],
    ['provider', job.assignedProvider ?? `${job.provider} (not chosen)`],
    ['created', when(job.createdAt)],
    ['started', when(job.startedAt)],
    ['ended', when(job.endedAt)],
    ...(results.logProblem === undefined ? [] : [['log', results.logProblem] as [string, string]]),
    ['exit code', results.exitCode === null ? '' : String(results.exitCode)],
    ...results.leftOut.map(({ path, reason }): [string, string] => ['left out', `${path} ${reason}`]),
    [
      'cost',
      [
        cost.final === undefined ? `${dollars(cost.current)}, ${dollars(cost.projected)} at most` : dollars(cost.final),
        ...(cost.claimed === undefined ? [] : [`its provider claims ${dollars(cost.claimed)}, which was not signed`]),
      ].join('; '),
    ],
    ...job.endpoints.map(({ port, protocol, health, address }): [string, string] => [
      `port ${port}/${protocol}`,
      `${health}${address === null ? '' : `, public at ${address}`}`,
    ]),
    ['health', job.health ?? ''],
    ['labels', pairs(job.labels)],
    ['origin', pairs(job.origin)],
    ['events', events.map(({ type }) => type).join(', ')],
  ])
}
