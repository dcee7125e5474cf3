import { Command } from 'commander'
import { containerOutput } from '../../node/commands/container-output.ts'
import { wholeNumber } from '../../node/commands/options.ts'
import { print, printJsonLine, say } from '../../node/commands/print.ts'
import { exitCodeOf } from '../../node/commands/whole.ts'
import type { CortexClient } from '../client/index.ts'
import { shownName } from '../contract/names.ts'
import { type ConnectionOptions, withConnection } from './connection.ts'
import { aboutJob } from './job-id.ts'
import { receiptCommand } from './job-receipt.ts'

/** `cortex job get · why · logs · bids · events · receipt` */
export function jobReadCommands(): Command[] {
  return [getCommand(), whyCommand(), logsCommand(), bidsCommand(), eventsCommand(), receiptCommand()]
}

function getCommand(): Command {
  const command = new Command('get')
    .description('one job, with what happened to it')
    .argument('<id>', 'which')
    .option('--debug', 'attempt and lease, too (with --json)')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job get job_01k8m3q7w9x2 --json')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions & { debug?: true }) => {
        const job = await client.jobs.get(id, options.debug === true ? { debug: true } : {})
        ;(await import('./job-show.ts')).showJob(job, options)
      }),
    )
}

function whyCommand(): Command {
  const command = new Command('why')
    .description('why nobody takes a job: asks all providers again, and says what would help')
    .argument('<id>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job why train')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions) => {
        const why = await client.jobs.why(id)
        await (await import('./job-show.ts')).showBids(why, options)
      }),
    )
}

interface LogOptions extends ConnectionOptions {
  follow?: true
  tail?: number
  since?: string
  timestamps?: true
}

function logsCommand(): Command {
  const command = new Command('logs')
    .description('a job’s output, byte for byte, each stream to its own; exits with 125 where some of it is missing')
    .argument('<id>', 'which')
    .option('-f, --follow', 'go on until the job has ended')
    .option('--tail <lines>', 'the newest only', wholeNumber(0, 1_000_000_000))
    .option('--since <time>', 'not before, e.g. 2026-01-31T12:00:00Z')
    .option('-t, --timestamps', 'with the time of each line')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job logs -f job_01k8m3q7w9x2')
    .action(
      aboutJob(async (client, id, options: LogOptions) => {
        const follow = options.follow === true || (await hasEnded(client, id))
        const { tail, since } = options
        const output = containerOutput()
        for await (const line of client.jobs.logs(id, { follow, tail, since })) {
          if (options.json === true) printJsonLine(line)
          else await output.write(line, options.timestamps === true ? `${line.timestamp} ` : '')
        }
        output.beginLine()
        process.exitCode = exitCodeOf(0, [(await client.jobs.get(id)).results.logProblem], say)
      }),
    )
}

/** The stream of an ended job ends with its last line, and has no bound on lines as the JSON answer has. */
async function hasEnded(client: CortexClient, id: string): Promise<boolean> {
  return (await client.jobs.get(id)).endedAt !== null
}

function bidsCommand(): Command {
  const command = new Command('bids').description('every bid and decline, with the reason').argument('<id>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job bids job_01k8m3q7w9x2')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions) => {
        const bids = await client.jobs.bids(id)
        const { dollars, showList } = await import('./show.ts')
        const { MACHINE_HEAD, machineCells } = await import('./job-show.ts')
        showList(
          bids,
          options,
          [
            'ATTEMPT',
            'PROVIDER',
            'OUTCOME',
            'PRICE',
            'AT LEAST',
            'PER GB',
            'PER GB-HOUR KEPT',
            ...MACHINE_HEAD,
            'SCORE',
            'REASON',
          ],
          (bid) => [
            String(bid.attempt),
            shownName(bid.name, bid.provider),
            bid.outcome,
            bid.price === null ? '-' : `${dollars(bid.price)}/h`,
            bid.minimumCharge === null ? '-' : dollars(bid.minimumCharge),
            bid.pricePerGb === null ? '-' : dollars(bid.pricePerGb),
            bid.volumePerGbHour === null ? '-' : dollars(bid.volumePerGbHour),
            ...machineCells(bid),
            bid.score === null ? '-' : bid.score.toFixed(3),
            bid.reason,
          ],
        )
      }),
    )
}

function eventsCommand(): Command {
  const command = new Command('events')
    .description('what happened to a job')
    .argument('<id>', 'which')
    .option('-f, --follow', 'go on until the job has ended')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job events -f job_01k8m3q7w9x2')
    .action(
      aboutJob(async (client, id, options: ConnectionOptions & { follow?: true }) => {
        const { pairs } = await import('./show.ts')
        for await (const event of client.jobs.events(id, { follow: options.follow === true })) {
          const { seq, type, timestamp, ...data } = event
          const line = `${timestamp}  ${String(seq).padStart(3)}  ${type.padEnd(9)}  ${pairs(data)}`.trimEnd()
          if (options.json === true) printJsonLine(event)
          else print(line)
        }
      }),
    )
}
