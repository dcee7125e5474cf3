import { ago, printJson, table } from '../../node/commands/output.ts'
import type { CheckView, EarningsView, JobView, StateView } from '../control/views.ts'

interface OutputOptions {
  json?: true
}

export function showCheck(answer: CheckView, options: OutputOptions): void {
  if (options.json === true) {
    printJson(answer)
    return
  }
  const rows = answer.findings.map(({ subject, level, text }) => [level, subject, text])
  const verdict = answer.wouldWin ? 'It would win a typical job now.' : 'It would not win a typical job now.'
  process.stdout.write(`${table(['', 'WHAT', 'FOUND'], rows)}\n${verdict}\n`)
}

export function showState(state: StateView, options: OutputOptions): void {
  if (options.json === true) {
    printJson(state)
    return
  }
  const { running, paused } = state
  const jobs = `${running} ${running === 1 ? 'job runs' : 'jobs run'}`
  process.stdout.write(`${paused === null ? 'It takes jobs' : `It ${paused}`}; ${jobs}.\n`)
}

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
  process.stdout.write(`${table(head, rows)}\n`)
}

export function showEarnings({ byDay, byClient, total, ...rest }: EarningsView, options: OutputOptions): void {
  if (options.json === true) {
    printJson({ ...rest, total, byDay, byClient })
    return
  }
  const head = ['JOBS', 'COMPLETED', 'RUN TIME', 'EARNED', 'SIGNED BY BOTH']
  const cells = (row: typeof total): string[] => [
    String(row.jobs),
    String(row.completed),
    ago(row.meteredSeconds * 1000),
    `$${row.earned}`,
    `$${row.signed}`,
  ]
  const days = [...byDay.map((row) => [row.day, ...cells(row)]), ['all', ...cells(total)]]
  const clients = byClient.map((row) => [row.requester, ...cells(row)])
  process.stdout.write(`${table(['DAY', ...head], days)}\n\n${table(['REQUESTER', ...head], clients)}\n`)
}
