import { Command } from 'commander'
import { CliError, MARKET_FAILED } from './cli-error.ts'
import { inputFlags, jobFlags } from './job-flags.ts'
import { outputRoomOption, withAllowedRegistries, withPeerOptions } from './options.ts'
import type { RunOptions } from './run-job.ts'

const EXAMPLE = `
Example:
  $ cortex run busybox -- sh -c 'echo hello; nproc'
  $ cortex run --cpu 500 --memory 256Mi --max-price 0.05 --bids python:3 -- python -c 'print(2**64)'
  $ cortex run --input ./data:/data busybox -- ls -l /data
  $ cat rows.csv | cortex run -i busybox -- sort
  $ cortex run --build ./app my/app:dev -- ./serve
  $ cortex run -f job.yaml --max-price 0.05
  $ cortex run -d --name web -p 80 nginx
  $ cortex run --output /out -o results busybox -- sh -c 'mkdir /out; date > /out/today'`

/** How a job is left with a gateway, which is another package's to know. */
export interface Detached {
  /** Adds what names the gateway. */
  flags(command: Command): Command
  /** Loads what submits it; that answers what the process exits with. */
  submit(): Promise<(image: string | undefined, words: string[], options: RunOptions & Connection) => Promise<number>>
}

/** What {@link Detached.flags} adds. */
interface Connection {
  gateway: string
  key?: string
}

/** `cortex run IMAGE -- CMD`: one job straight from a client node, followed to its end. */
export function runCommand({ flags, submit }: Detached): Command {
  const command = new Command('run')
    .argument('[image]', 'the container image; may stand in the file of -f instead')
    .argument('[command...]', 'what to run in it; -- before it may be left out')
    .addHelpText('after', EXAMPLE)
  withPeerOptions(withAllowedRegistries(inputFlags(jobFlags(command))), {
    listen: ['/ip4/0.0.0.0/tcp/0'],
    logLevel: 'silent',
  })
  return (
    flags(command)
      .option('-o, --output-folder <folder>', 'where its outputs are unpacked; without it a folder named as the job')
      .addOption(outputRoomOption())
      .option('-f, --file <path>', 'a job in JSON or YAML, - for standard input; flags outweigh it')
      .option('-d, --detach', 'leave it with a gateway, print its id, and wait for nothing; see `cortex job submit`')
      .option('--bids', 'show every bid and decline')
      .option('--json', 'print the finished job as JSON instead of its output')
      // As for Docker, what comes after the image is the container's: `run IMAGE ls -la`.
      .passThroughOptions()
      .action(async (image: string | undefined, given: string[], options: RunOptions & Connection, self: Command) => {
        const words = given[0] === '--' ? given.slice(1) : given
        if (options.detach === true) {
          mustMean(self)
          process.exitCode = await (await submit())(image, words, options)
          return
        }
        const { runJob } = await import('./run-job.ts')
        process.exitCode = await runJob(image, words, options)
      })
  )
}

/** Flags of what `--detach` does not do, by what does it. */
const NOT_DETACHED: readonly (readonly [names: readonly string[], instead: string])[] = [
  [['outputFolder', 'outputRoom'], "'cortex job output JOB -o FOLDER' brings what the job left"],
  [['bids'], "'cortex job bids JOB' shows them"],
  [
    ['network', 'listen', 'announce', 'bootstrap', 'mdns', 'upnp', 'networkKey', 'maxPeers', 'peersPerAddress'],
    'the gateway is the peer that asks: --gateway names it',
  ],
]

/** @throws {CliError} where somebody typed a flag that would do nothing */
function mustMean(command: Command): void {
  for (const option of command.options) {
    const name = option.attributeName()
    const [, instead] = NOT_DETACHED.find(([names]) => names.includes(name)) ?? []
    if (instead === undefined || command.getOptionValueSource(name) !== 'cli') continue
    throw new CliError(`${option.long} does nothing beside --detach: ${instead}`, MARKET_FAILED)
  }
}
