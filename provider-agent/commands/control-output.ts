import { ago, table } from '../../node/commands/output.ts'
import { print, printJson } from '../../node/commands/print.ts'
import { engineWords } from '../control/engine-words.ts'
import type { CheckView, EarningsView, JobView, StateView, StoppedView } from '../control/views.ts'

interface OutputOptions {
  json?: true
}

/** What `cortex agent check` prints: the findings, and under them whether a typical job would be won. */
export function showCheck(answer: CheckView, options: OutputOptions): void {
  if (options.json === true) {
    printJson(answer)
    return
  }
  const rows = answer.findings.map(({ subject, level, text }) => [level, subject, text])
  const verdict = answer.wouldWin ? 'It would win a typical job now.' : 'It would not win a typical job now.'
  print(...table(['', 'WHAT', 'FOUND'], rows), verdict)
}

/** What `cortex agent drain` and `resume` print: whether it takes jobs, how many run, and which GPUs and classes of isolation are not sold. */
export function showState(state: StateView, options: OutputOptions): void {
  if (options.json === true) {
    printJson(state)
    return
  }
  const { running, paused } = state
  const jobs = `${running} ${running === 1 ? 'job runs' : 'jobs run'}`
  const silent = state.announceProblem === undefined ? [] : [`Not announced: ${state.announceProblem}.`]
  const unsold = state.unsoldGpus.map(({ name, reason }) => `Not sold: ${name} ${reason}.`)
  const walls = state.isolations.flatMap(({ isolation, problem }) =>
    problem === undefined ? [] : [`Not sold: jobs under ${isolation}: ${engineWords(problem)}.`],
  )
  print(`${paused === null ? 'It takes jobs' : `It ${paused}`}; ${jobs}.`, ...silent, ...unsold, ...walls)
}

/** What `cortex agent jobs` prints, an attempt a line. */
export function showJobs(jobs: JobView[], options: OutputOptions): void {
  if (options.json === true) {
    printJson(jobs)
    return
  }
  const head = ['JOB', 'STATE', 'IMAGE', 'CPU', 'MEMORY', 'GPU', 'RUNS', 'COST', 'REQUESTER']
  const rows = jobs.map((job) => [
    job.attempt === 1 ? job.jobId : `${job.jobId} (attempt ${job.attempt})`,
    job.state,
    job.image,
    `${job.cpu}m`,
    job.memory,
    String(job.gpu),
    ago(job.meteredSeconds * 1000),
    `$${job.cost}`,
    job.requester,
  ])
  print(...table(head, rows))
}

/** What `cortex agent stop` prints: which attempts end, and what their requester is told. */
export function showStopped(stopped: StoppedView, options: OutputOptions): void {
  if (options.json === true) {
    printJson(stopped)
    return
  }
  const { jobId, attempts, reason } = stopped
  const why = reason === '' ? 'Its requester is told that the provider stopped it' : `Its requester is told: ${reason}`
  print(`Stopping ${jobId} (attempt ${attempts.join(', ')}). ${why}.`)
}

/**
 * What `cortex agent earnings` prints: a table by day with the sum, and one by requester. With `--json`, all that was
 * answered.
 */
export function showEarnings({ byDay, byClient, total, ...rest }: EarningsView, options: OutputOptions): void {
  if (options.json === true) {
    printJson({ ...rest, total, byDay, byClient })
    return
  }
  const head = ['JOBS', 'COMPLETED', 'RUN TIME', 'EARNED', 'SIGNED BY BOTH', 'FOR VOLUMES']
  const cells = (row: typeof total): string[] => [
    String(row.jobs),
    String(row.completed),
    ago(row.meteredSeconds * 1000),
    `$${row.earned}`,
    `$${row.signed}`,
    `$${row.volumes}`,
  ]
  const days = [...byDay.map((row) => [row.day, ...cells(row)]), ['all', ...cells(total)]]
  const clients = byClient.map((row) => [row.requester, ...cells(row)])
  print(...table(['DAY', ...head], days), '', ...table(['REQUESTER', ...head], clients))
}
