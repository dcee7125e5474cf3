import { Command } from 'commander'
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
  $ cortex run --output /out -o results busybox -- sh -c 'mkdir /out; date > /out/today'`

/** `cortex run IMAGE -- CMD`: one job straight from a client node, followed to its end. */
export function runCommand(): Command {
  const command = new Command('run')
    .argument('<image>', 'the container image')
    .argument('[command...]', 'what to run in it; -- before it may be left out')
    .addHelpText('after', EXAMPLE)
  withPeerOptions(withAllowedRegistries(inputFlags(jobFlags(command))), {
    listen: ['/ip4/0.0.0.0/tcp/0'],
    logLevel: 'silent',
  })
  return (
    command
      .option('-o, --output-folder <folder>', 'where its outputs are unpacked; without it a folder named as the job')
      .addOption(outputRoomOption())
      .option('--bids', 'show every bid and decline')
      .option('--json', 'print the finished job as JSON instead of its output')
      // As for Docker, what comes after the image is the container's: `run IMAGE ls -la`.
      .passThroughOptions()
      .action(async (image: string, given: string[], options: RunOptions) => {
        const words = given[0] === '--' ? given.slice(1) : given
        const { runJob } = await import('./run-job.ts')
        process.exitCode = await runJob(image, words, options)
      })
  )
}
