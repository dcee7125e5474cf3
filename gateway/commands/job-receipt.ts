import { Command } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { wholeNumber } from '../../node/commands/options.ts'
import { print, printJson } from '../../node/commands/print.ts'
import { MAX_ATTEMPTS } from '../../protocol/job-defaults.ts'
import { formatBytes } from '../../protocol/units.ts'
import type { AttemptCost } from '../client/index.ts'
import { type ConnectionOptions, withConnection } from './connection.ts'
import { aboutJob } from './job-id.ts'

interface ReceiptOptions extends ConnectionOptions {
  attempt?: number
  output?: string
}

/** `cortex job receipt` */
export function receiptCommand(): Command {
  const command = new Command('receipt')
    .description('what each attempt costs, and the statement of use that both sides signed of it')
    .argument('<id>', 'which')
    .option('--attempt <number>', 'of this one alone', wholeNumber(1, MAX_ATTEMPTS))
    .option('-o, --output <file>', 'keep what was signed for `cortex receipt verify`')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job receipt job_01k8m3q7w9x2 -o receipts.json')
    .action(
      aboutJob(async (client, id, options: ReceiptOptions) => {
        const { attempt, output } = options
        const all = await client.jobs.receipts(id)
        const wanted = all.filter((one) => attempt === undefined || one.attempt === attempt)
        const signed = wanted.flatMap(({ receipt }) => receipt ?? [])
        if (wanted.length === 0 || (output !== undefined && signed.length === 0)) throw none(all, attempt)
        if (output !== undefined) {
          const { writeFile } = await import('node:fs/promises')
          await writeFile(output, `${JSON.stringify(signed, null, 2)}\n`)
        } else if (options.json === true) printJson(wanted)
        else await show(id, wanted)
      }),
    )
}

function none(all: AttemptCost[], attempt: number | undefined): CliError {
  const attempts = all.map((one) => one.attempt).join(', ')
  const which =
    attempt === undefined || attempts === '' ? '' : ` of attempt ${attempt}, only attempts ${attempts} had a provider`
  return new CliError(`There is no receipt yet${which}: both sides sign it when an attempt has ended`)
}

async function show(id: string, attempts: AttemptCost[]): Promise<void> {
  const { fieldTable } = await import('../../node/commands/output.ts')
  const { dollars } = await import('./show.ts')
  for (const [i, one] of attempts.entries()) {
    const { receipt } = one
    const used = `${one.meteredSeconds} s at ${dollars(one.pricePerHour)}/h`
    const least = one.minimumCharge === 0 ? '' : `, at least ${dollars(one.minimumCharge)}`
    const traffic =
      one.pricePerGb === 0 ? '' : `, ${formatBytes(one.networkBytes)} of traffic at ${dollars(one.pricePerGb)} per GB`
    const exit = receipt === null || receipt.exitCode === null ? '' : `, exit code ${receipt.exitCode}`
    print(
      ...(i === 0 ? [] : ['']),
      ...fieldTable([
        ['job', `${receipt?.jobId ?? id}, attempt ${one.attempt}`],
        ['provider', one.provider],
        ...(receipt === null ? [] : signedRows(receipt)),
        ['outcome', `${receipt?.outcome ?? one.outcome}${exit}`],
        ['used', `${used}${least}${traffic}`],
        ['cost', dollars(one.cost)],
        ['signed', receipt === null ? 'no: while an attempt runs, or where its provider was lost' : 'by both sides'],
      ]),
    )
  }
  if (attempts.length > 1) print('', `${dollars(attempts.reduce((sum, { cost }) => sum + cost, 0))} in all`)
}

function signedRows({ requester, network, endedAt }: NonNullable<AttemptCost['receipt']>): [string, string][] {
  return [
    ['requester', requester],
    ['network', network],
    ['ended', endedAt],
  ]
}
