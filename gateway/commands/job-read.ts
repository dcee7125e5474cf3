import { Command } from 'commander'
import { wholeNumber } from '../../node/commands/options.ts'
import type { CortexClient, LogLine } from '../client/index.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** `cortex job get · logs · bids · events · receipt` */
export function jobReadCommands(): Command[] {
  return [getCommand(), logsCommand(), bidsCommand(), eventsCommand(), receiptCommand()]
}

function getCommand(): Command {
  const command = new Command('get')
    .description('one job, with what happened to it')
    .argument('<id>', 'which')
    .option('--debug', 'attempt and lease, too (with --json)')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job get job_01k8m3q7w9x2 --json')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & { debug?: true }) => {
        const job = await client.jobs.get(id, options.debug === true ? { debug: true } : {})
        ;(await import('./job-show.ts')).showJob(job, options)
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
    .description('a job’s output, each stream to its own')
    .argument('<id>', 'which')
    .option('-f, --follow', 'go on until the job has ended')
    .option('--tail <lines>', 'the newest only', wholeNumber(0, 1_000_000_000))
    .option('--since <time>', 'not before, e.g. 2026-01-31T12:00:00Z')
    .option('-t, --timestamps', 'with the time of each line')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job logs -f job_01k8m3q7w9x2')
    .action(
      asking(async (client, id: string, options: LogOptions) => {
        const follow = options.follow === true || (await hasEnded(client, id))
        const { tail, since } = options
        for await (const line of client.jobs.logs(id, { follow, tail, since })) await writeLine(line, options)
      }),
    )
}

/** The stream of an ended job ends with its last line, and has no bound on lines as the JSON answer has. */
async function hasEnded(client: CortexClient, id: string): Promise<boolean> {
  return (await client.jobs.get(id)).endedAt !== null
}

async function writeLine(line: LogLine, options: LogOptions): Promise<void> {
  const time = options.timestamps === true ? `${line.timestamp} ` : ''
  const text = options.json === true ? `${JSON.stringify(line)}\n` : `${time}${line.line}${line.partial ? '' : '\n'}`
  const stream = options.json === true ? process.stdout : process[line.stream]
  if (!stream.write(text)) await new Promise((resolve) => stream.once('drain', resolve))
}

function bidsCommand(): Command {
  const command = new Command('bids').description('every bid and decline, with the reason').argument('<id>', 'which')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job bids job_01k8m3q7w9x2')
    .action(
      asking(async (client, id: string, options: ConnectionOptions) => {
        const bids = await client.jobs.bids(id)
        const { dollars, shortId, showList } = await import('./show.ts')
        showList(bids, options, ['ATTEMPT', 'PROVIDER', 'OUTCOME', 'PRICE', 'AT LEAST', 'SCORE', 'REASON'], (bid) => [
          String(bid.attempt),
          bid.name === '' ? shortId(bid.provider) : bid.name,
          bid.outcome,
          bid.price === null ? '-' : `${dollars(bid.price)}/h`,
          bid.minimumCharge === null ? '-' : dollars(bid.minimumCharge),
          bid.score === null ? '-' : bid.score.toFixed(3),
          bid.reason,
        ])
      }),
    )
}

function leastOf({ minimumCharge }: { minimumCharge: number }): string {
  return minimumCharge === 0 ? '' : `, at least ${minimumCharge}`
}

function eventsCommand(): Command {
  const command = new Command('events')
    .description('what happened to a job')
    .argument('<id>', 'which')
    .option('-f, --follow', 'go on until the job has ended')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job events -f job_01k8m3q7w9x2')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & { follow?: true }) => {
        const { pairs } = await import('./show.ts')
        for await (const event of client.jobs.events(id, { follow: options.follow === true })) {
          const { seq, type, timestamp, ...data } = event
          const line = `${timestamp}  ${String(seq).padStart(3)}  ${type.padEnd(9)}  ${pairs(data)}`.trimEnd()
          process.stdout.write(`${options.json === true ? JSON.stringify(event) : line}\n`)
        }
      }),
    )
}

function receiptCommand(): Command {
  const command = new Command('receipt')
    .description('the statement of use that both sides signed')
    .argument('<id>', 'which')
    .option('-o, --output <file>', 'keep it for `cortex receipt verify`')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job receipt job_01k8m3q7w9x2 -o receipt.json')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & { output?: string }) => {
        const receipt = await client.jobs.receipt(id)
        if (options.output !== undefined) {
          const { writeFile } = await import('node:fs/promises')
          await writeFile(options.output, `${JSON.stringify(receipt, null, 2)}\n`)
          return
        }
        const { dollars, showOne } = await import('./show.ts')
        showOne(receipt, options, (shown) => [
          ['job', `${shown.jobId}, attempt ${shown.attempt}`],
          ['provider', shown.provider],
          ['requester', shown.requester],
          ['network', shown.network],
          ['outcome', `${shown.outcome}${shown.exitCode === null ? '' : `, exit code ${shown.exitCode}`}`],
          ['used', `${shown.meteredSeconds} s at ${dollars(shown.pricePerHour)}/h${leastOf(shown)}`],
          ['cost', dollars(shown.cost)],
          ['ended', shown.endedAt],
        ])
      }),
    )
}
