import type { DryRun, Job, JobListItem } from '../client/index.ts'

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
  const { dollars, shortId, showList } = await import('./show.ts')
  if (options.json === true) {
    process.stdout.write(`${JSON.stringify({ ...rest, accepted, quotes }, null, 2)}\n`)
    return
  }
  showList(quotes, options, ['PROVIDER', 'TAKES IT', 'PRICE', 'COST', 'REASON'], (quote) => [
    quote.name === '' ? shortId(quote.provider) : quote.name,
    quote.accepts ? 'yes' : 'no',
    quote.price === null ? '-' : `${dollars(quote.price)}/h`,
    quote.cost === null ? '-' : dollars(quote.cost),
    quote.reason,
  ])
  if (!accepted) process.stderr.write('Nobody would take it now: the reasons say what to change\n')
}

/** One job as people read it. */
export async function showJob(job: Job, options: { json?: true }): Promise<void> {
  const { dollars, pairs, showOne, when } = await import('./show.ts')
  const { error, cost, results, events = [] } = job
  showOne(job, options, () => [
    ['job', job.id],
    ['status', `${job.status}${job.attempt > 1 ? `, attempt ${job.attempt} of ${job.maxAttempts}` : ''}`],
    ...(error === null ? [] : [['error', `${error.code}: ${error.message}. ${error.remedy}`] as [string, string]]),
    ['image', job.image],
    ['command', [...job.command, ...job.args].join(' ')],
    [
      'resources',
      `${job.cpu}m CPU, ${job.memory} memory, ${job.storage} storage${job.gpu > 0 ? `, ${job.gpu} GPU` : ''}`,
    ],
    ['duration', `at most ${job.duration} s`],
    ['provider', job.assignedProvider ?? `${job.provider} (not chosen)`],
    ['created', when(job.createdAt)],
    ['started', when(job.startedAt)],
    ['ended', when(job.endedAt)],
    ['exit code', results.exitCode === null ? '' : String(results.exitCode)],
    [
      'cost',
      cost.final === undefined ? `${dollars(cost.current)}, ${dollars(cost.projected)} at most` : dollars(cost.final),
    ],
    ...job.endpoints.map(({ port, protocol, health, address }): [string, string] => [
      `port ${port}/${protocol}`,
      `${health}${address === null ? '' : `, public at ${address}`}`,
    ]),
    ['labels', pairs(job.labels)],
    ['origin', pairs(job.origin)],
    ['events', events.map(({ type }) => type).join(', ')],
  ])
}
