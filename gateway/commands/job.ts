import { Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { group } from '../../node/commands/group.ts'
import { submissionFrom } from '../../node/commands/job-file.ts'
import { changeFlags, inputFlags, type JobFlags, jobFlags } from '../../node/commands/job-flags.ts'
import { keyValue, wholeNumber } from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import type { JobOverrides, JobQuery, JobStatus } from '../client/index.ts'
import { JOB_STATUSES, OPEN_STATUSES } from '../contract/job-status.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { extendCommand } from './extend-job.ts'
import { aboutJob, wholeJobId } from './job-id.ts'
import { jobLookCommands } from './job-look.ts'
import { jobReachCommands } from './job-reach.ts'
import { jobReadCommands } from './job-read.ts'
import { jobTable } from './job-show.ts'
import { type SubmitOptions, showSubmitted, submitJob } from './submit-job.ts'

const MANY = 1_000_000

/** `cortex job …`: jobs through a gateway. */
export function jobCommand(): Command {
  const commands = [
    submitCommand(),
    listCommand(),
    psCommand(),
    waitCommand(),
    ...jobReadCommands(),
    cancelCommand(),
    extendCommand(),
    updateCommand(),
    resubmitCommand(),
    ...jobLookCommands(),
    ...jobReachCommands(),
  ]
  return group('job', 'jobs through a gateway', commands, ['submit busybox -- echo hello', 'logs -f job_01k8m3q7w9x2'])
}

function submitCommand(): Command {
  const command = new Command('submit')
    .description('submit a job; prints its id')
    .argument('[image]', 'the container image')
    .argument('[command...]', 'what to run in it, after --')
    .option('-f, --file <path>', 'a job in JSON or YAML, - for standard input; flags outweigh it')
    .option('--dry-run', 'submit nothing: who would take it, at what price')
    .option('--wait', 'wait for its end, and exit as `job wait` does; --json prints the job once it has ended')
    .option('--idempotency-key <text>', 'submitting again under it answers the first job')
  const example = `
Examples:
  $ cortex job submit --cpu 500 --memory 256Mi busybox -- echo hello
  $ cortex job submit --input ./data:/data busybox -- ls /data
  $ cortex job submit --build ./app my/app:dev -- ./serve
  $ cortex job submit -f job.yaml --max-price 0.05
  $ cortex job submit --name train --wait python:3 -- python -c 'print(1)'`
  return withConnection(inputFlags(jobFlags(command)))
    .addHelpText('after', example)
    .action(
      asking(async (client, image: string | undefined, words: string[], options: SubmitOptions) => {
        process.exitCode = await submitJob(client, image, words, options)
      }),
    )
}

interface ListOptions extends ConnectionOptions {
  status?: JobStatus[]
  provider?: string
  label?: Record<string, string>
  batch?: string
  owner?: string
  name?: string
  from?: string
  to?: string
  query?: string
  fold?: true
  sort?: string
  page?: number
  limit?: number
  all?: true
}

function listCommand(): Command {
  return listing(
    new Command('list')
      .description('jobs, newest first')
      .addOption(new Option('--status <status...>', 'in one of these').choices(JOB_STATUSES)),
    'list --status running pending --label team=research',
  )
}

function psCommand(): Command {
  return listing(new Command('ps').description('jobs that have not ended, newest first'), 'ps', OPEN_STATUSES)
}

function listing(command: Command, example: string, status?: readonly JobStatus[]): Command {
  command
    .option('--provider <id>', 'who has it, or p2p')
    .option('--label <name=value>', 'with this label; repeat it', keyValue)
    .option('--batch <id>', 'of this batch, or none: of no batch')
    .option('--owner <name>', 'whose; others’ are seen by admins alone')
    .option('--name <name>', 'your own that are called exactly so')
    .option('--from <time>', 'created at or after, e.g. 2026-01-31')
    .option('--to <time>', 'created at or before')
    .option('-q, --query <text>', 'text in id, name, image, command or labels')
    .option('--fold', 'one line for all jobs of a batch')
    .option('--sort <field:order>', 'e.g. cost:desc')
    .option('--page <number>', 'from 1', wholeNumber(1, MANY))
    .option('--limit <number>', 'jobs a page, 20 unless said', wholeNumber(1, 100))
    .option('--all', 'every page')
  return withConnection(command)
    .addHelpText('after', `\nExample:\n  $ cortex job ${example}`)
    .action(
      asking(async (client, options: ListOptions) => {
        const query = queryOf(status === undefined ? options : { ...options, status: [...status] })
        if (options.all === true) {
          await jobTable(await Array.fromAsync(client.jobs.all(query)), options)
          return
        }
        const { items, pagination } = await client.jobs.list(query)
        await jobTable(items, options)
        if (options.json === true || pagination.nextCursor === null) return
        // Of folded ones nobody knows how many lines they are.
        const more = options.fold ? 'There are' : pagination.total - items.length
        say(`${more} more: --page, --limit or --all`)
      }),
    )
}

function queryOf(options: ListOptions): JobQuery {
  const { status, provider, label: labels, batch, owner, name, from, to, query: q, fold, sort, page, limit } = options
  const given = { status, provider, labels, batch, owner, name, from, to, q, fold, sort, page, limit }
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined))
}

function waitCommand(): Command {
  const command = new Command('wait')
    .description(
      'wait for the end of a job; exits with its exit code, with 125 where it has none, or some of its output is missing',
    )
    .argument('<id>', 'which')
  return withConnection(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ cortex job wait job_01k8m3q7w9x2 && cortex job output job_01k8m3q7w9x2 -o results',
    )
    .action(
      aboutJob(async (client, id, options: ConnectionOptions) => {
        const { waitForJob } = await import('./wait-job.ts')
        process.exitCode = await waitForJob(client, id, options)
      }),
    )
}

function cancelCommand(): Command {
  const command = new Command('cancel')
    .alias('rm')
    .description('cancel jobs; what is known of them stays')
    .argument('<id...>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job cancel job_01k8m3q7w9x2')
    .action(
      asking(async (client, ids: string[], options: ConnectionOptions) => {
        const { print, printJson } = await import('../../node/commands/print.ts')
        const failed: unknown[] = []
        for (const text of ids) {
          try {
            const id = await wholeJobId(client, text)
            const answer = await client.jobs.cancel(id)
            if (options.json === true) printJson(answer)
            else print(`${id} ${answer.status}`)
          } catch (error) {
            // One that cannot be cancelled keeps none of the others running.
            failed.push(error)
            if (failed.length > 1) say(`cortex: ${(error as Error).message}`)
          }
        }
        if (failed.length > 0) throw failed[0]
      }),
    )
}

function updateCommand(): Command {
  const command = new Command('update')
    .description('change a job that nobody has yet; unless that is only its name or labels, providers are asked anew')
    .argument('<id>', 'which')
    .option('-f, --file <path>', 'fields in JSON or YAML, null takes one out; flags outweigh it')
  return withConnection(changeFlags(command))
    .addHelpText('after', '\nExample:\n  $ cortex job update job_01k8m3q7w9x2 --max-price 0.20 --cpu 0.5')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions & JobFlags & { file?: string }) => {
        const { print, printJson } = await import('../../node/commands/print.ts')
        const changes = await submissionFrom(undefined, [], options)
        if (Object.keys(changes).length === 0) throw new CliError('Say what is to change, e.g. --memory 1Gi')
        const job = await client.jobs.update(id, changes)
        if (options.json === true) printJson(job)
        else print(`${id} is changed: ${Object.keys(changes).join(', ')}`)
      }),
    )
}

function resubmitCommand(): Command {
  const command = new Command('resubmit')
    .description('submit a job again as a new one, flags changing it; prints the new id')
    .argument('<id>', 'which')
    .option('--image <image>', 'another image', (text) => {
      if (text === '') throw new InvalidArgumentError('Name an image.')
      return text
    })
    .option('-f, --file <path>', 'fields in JSON or YAML; flags outweigh it')
  return withConnection(jobFlags(command))
    .addHelpText('after', '\nExample:\n  $ cortex job resubmit job_01k8m3q7w9x2 --memory 1Gi')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions & JobFlags & { image?: string; file?: string }) => {
        const overrides = (await submissionFrom(options.image, [], options)) as JobOverrides
        await showSubmitted(await client.jobs.resubmit(id, overrides), options)
      }),
    )
}
