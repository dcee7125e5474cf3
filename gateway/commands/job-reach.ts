import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { CliError } from '../../node/commands/cli-error.ts'
import { secondsWithin } from '../../node/commands/docker-amounts.ts'
import { print, say, writeRaw } from '../../node/commands/print.ts'
import type { LeftOut } from '../../protocol/left-out.ts'
import type { Job } from '../client/types.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import type { ExecStyle } from './exec-job.ts'
import type { ForwardRule } from './forward-listener.ts'
import { aboutJob } from './job-id.ts'

/** How long `job output` waits for what is on its way, where nobody says: most are here within seconds of their job's end. */
const OUTPUT_WAIT_SECONDS = 600
/** No provider keeps one longer of itself. */
const MAX_WAIT_SECONDS = 7 * 24 * 3_600

/** `cortex job exec · cp · forward · output`: what reaches into a container. */
export function jobReachCommands(): Command[] {
  return [execCommand(), copyCommand(), forwardCommand(), outputCommand()]
}

interface ExecOptions extends ConnectionOptions, ExecStyle {}

function execCommand(): Command {
  const command = new Command('exec')
    .description('run a command in a running job; exits with its exit code')
    .argument('<id>', 'which')
    .argument('<command...>', 'what to run, after --')
    .option('-i, --interactive', 'send it what is typed or piped in')
    .option('-t, --tty', 'give it a terminal')
  return withConnection(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ cortex job exec job_01k8m3q7w9x2 -- ps\n  $ cortex job exec -it job_01k8m3q7w9x2 -- sh',
    )
    .action(
      aboutJob(async (client, id, words: string[], options: ExecOptions) => {
        const { execInJob } = await import('./exec-job.ts')
        process.exitCode = await execInJob(client, id, words, options)
      }),
    )
}

function copyCommand(): Command {
  const command = new Command('cp')
    .description('copy files and folders between here and a running job')
    .argument('<from>', 'JOB:/path, or a path here; - for a tar on the standard input')
    .argument('<to>', 'a path here, or JOB:/path; - for a tar on the standard output')
  return withConnection(command)
    .addHelpText(
      'after',
      `
A folder that is there takes in what is copied, under its own name; else that gets the name of the target. FOLDER/. means
what is in a folder. Modes and links are kept, and what is new in the container belongs to whom the job runs as. Here,
nothing of a folder is written over. What has no place on the other side (pipes, devices, here also links that lead out of
what is copied) is left out and named. A path here that has a colon is written as ./a:b.

Examples:
  $ cortex job cp job_01k8m3q7w9x2:/data/results .
  $ cortex job cp ./model job_01k8m3q7w9x2:/models
  $ cortex job cp job_01k8m3q7w9x2:/etc - | tar -t`,
    )
    .action(
      asking(async (client, from: string, to: string, options: ConnectionOptions) => {
        const { copyFiles } = await import('./copy-files.ts')
        await copyFiles(client, from, to, options)
      }),
    )
}

function forwardCommand(): Command {
  const command = new Command('forward')
    .description('reach ports of a job from here, until it ends or Ctrl-C; waits while it does not run yet, or again')
    .argument('<id>', 'which')
    .argument('<local:port...>', 'e.g. 8080:80, 0:5432, 127.0.0.1:5353:53/udp', forwardRule)
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job forward job_01k8m3q7w9x2 8080:80')
    .action(
      aboutJob(async (client, id, rules: ForwardRule[], options: ConnectionOptions) => {
        const [{ forwardPorts }, { untilStopped }] = await Promise.all([
          import('./forward-job.ts'),
          import('../../node/commands/stopping.ts'),
        ])
        const forwarding = await forwardPorts(client, id, rules)
        const stopped = untilStopped()
        try {
          print(...forwarding.lines(options.json === true))
          if (rules.some(({ host, protocol }) => protocol === 'TCP' && sharesCookies(host))) say(SHARED_COOKIES)
          await Promise.race([stopped, forwarding.ended])
        } finally {
          // What listens keeps the process, whatever ended it.
          await forwarding.close()
        }
      }),
    )
}

/** Browsers keep cookies by host, whatever the port: the printed address is one where the dashboard's are not. */
const SHARED_COOKIES =
  'a browser sends cookies of a host to all of its ports: open this as printed, and not under the name or address at which you are signed in to the gateway'

/** Whether a browser on this machine may reach it under a name that it has cookies of. */
function sharesCookies(host: string): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|::1|0\.0\.0\.0|::)$/i.test(host)
}

function forwardRule(text: string, before: ForwardRule[] = []): ForwardRule[] {
  const match = /^(?:(.+):)?(\d{1,5}):(\d{1,5})(?:\/(tcp|udp))?$/i.exec(text)
  const [, host = '127.0.0.1', local, port, protocol = 'tcp'] = match ?? []
  const rule = {
    host: host.replace(/^\[|\]$/g, ''),
    localPort: Number(local),
    port: Number(port),
    protocol: protocol.toUpperCase() as 'TCP' | 'UDP',
  }
  if (match === null || rule.localPort > 65_535 || rule.port < 1 || rule.port > 65_535) {
    throw new InvalidArgumentError('Write it as LOCAL:PORT, such as 8080:80 or 5353:53/udp.')
  }
  return [...before, rule]
}

interface OutputCommandOptions extends ConnectionOptions {
  output?: string
  path?: string
  name?: string
  /** Seconds. */
  wait: number
}

function outputCommand(): Command {
  const command = new Command('output')
    .description('fetch what a job kept')
    .argument('<id>', 'which')
    .option('-o, --output <folder>', 'where to; the tar goes to the standard output without it')
    .option('--path <file>', 'one file of it, as the tar calls it, to the standard output')
    .option('--name <name>', 'one of several outputs')
    .addOption(
      new Option('--wait <duration>', 'how long to wait for what is still on its way from the provider, e.g. 2h')
        .default(OUTPUT_WAIT_SECONDS, '10m')
        .argParser(secondsWithin(1, MAX_WAIT_SECONDS)),
    )
  return withConnection(command)
    .addHelpText(
      'after',
      '\nExample:\n  $ cortex job output job_01k8m3q7w9x2 -o results\n  $ cortex job output job_01k8m3q7w9x2 --path results/report.csv > report.csv',
    )
    .action(
      aboutJob(async (client, id, options: OutputCommandOptions) => {
        const [{ Readable }, { awaitedOutput }] = await Promise.all([
          import('node:stream'),
          import('./awaited-output.ts'),
        ])
        const { output: folder, path, name } = options
        if (folder !== undefined && path !== undefined) {
          throw new CliError('--path is for one file, to the standard output: leave out -o')
        }
        if (name !== undefined && path !== undefined) {
          throw new CliError('--path begins with the name of its output: leave out --name')
        }
        const output = async (): Promise<import('node:stream').Readable> =>
          Readable.fromWeb(
            (await awaitedOutput(
              async () =>
                await client.jobs.output(id, {
                  ...(path === undefined ? {} : { path }),
                  ...(name === undefined ? {} : { name }),
                }),
              options.wait,
            )) as import('node:stream/web').ReadableStream,
          )
        if (folder === undefined) {
          for await (const chunk of await output()) await writeRaw('stdout', chunk)
          return
        }
        const [{ mustBeNew }, { extractTar }, { rootsOf }] = await Promise.all([
          import('../../node/commands/local-files.ts'),
          import('../../node/outputs/extract.ts'),
          import('./output-roots.ts'),
        ])
        // What answers there need not be a gateway.
        const { config, results } = ((await client.jobs.get(id)) ?? {}) as Partial<Job>
        const roots = name === undefined ? rootsOf(config?.outputs) : [name]
        const all: LeftOut[] = Array.isArray(results?.leftOut) ? results.leftOut : []
        const before = name === undefined ? all : all.filter(({ path: odd }) => `${odd}/`.startsWith(`${name}/`))
        // The name is the gateway's to say: what was in the folder is not to be written over by whoever is that.
        for (const root of roots) if (root !== '') await mustBeNew(join(folder, root), ' with -o')
        const { files, bytes, leftOut } = await extractTar(await output(), folder, roots).catch((error: Error) => {
          if (!isOfTransfer(error)) throw error
          throw new CliError(`What the job kept came no further (${error.message}): try again, to another folder`)
        })
        say(`${files} files, ${bytes} bytes in ${roots.map((root) => join(folder, root)).join(', ')}`)
        for (const { path, reason } of [...before, ...leftOut]) say(`left out: ${path} ${reason}`)
      }),
    )
}

/** Of the fetch, which calls each of its failures a TypeError. */
function isOfTransfer(error: Error): boolean {
  return error instanceof TypeError && error.cause !== undefined
}
