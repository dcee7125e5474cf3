import { Command, InvalidArgumentError } from 'commander'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

/** `cortex job exec · forward · output`: what reaches into a container. */
export function jobReachCommands(): Command[] {
  return [execCommand(), forwardCommand(), outputCommand()]
}

export interface ExecOptions extends ConnectionOptions {
  interactive?: true
  tty?: true
}

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
      asking(async (client, id: string, words: string[], options: ExecOptions) => {
        const { execInJob } = await import('./exec-job.ts')
        process.exitCode = await execInJob(client, id, words, options)
      }),
    )
}

/** Where a port is reached from here. */
export interface ForwardRule {
  host: string
  /** 0 is any free one. */
  localPort: number
  port: number
  protocol: 'TCP' | 'UDP'
}

function forwardCommand(): Command {
  const command = new Command('forward')
    .description('reach ports of a running job from here, until Ctrl-C')
    .argument('<id>', 'which')
    .argument('<local:port...>', 'e.g. 8080:80, 0:5432, 127.0.0.1:5353:53/udp', forwardRule)
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job forward job_01k8m3q7w9x2 8080:80')
    .action(
      asking(async (client, id: string, rules: ForwardRule[], options: ConnectionOptions) => {
        const [{ forwardPorts }, { untilSignal }] = await Promise.all([
          import('./forward-job.ts'),
          import('../../node/commands/until-signal.ts'),
        ])
        const forwarding = await forwardPorts(client, id, rules)
        for (const line of forwarding.lines(options.json === true)) process.stdout.write(`${line}\n`)
        await Promise.race([untilSignal(), forwarding.ended])
        await forwarding.close()
      }),
    )
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

function outputCommand(): Command {
  const command = new Command('output')
    .description('fetch what a job kept')
    .argument('<id>', 'which')
    .option('-o, --output <folder>', 'where to; the tar goes to the standard output without it')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex job output job_01k8m3q7w9x2 -o results')
    .action(
      asking(async (client, id: string, options: ConnectionOptions & { output?: string }) => {
        const { Readable } = await import('node:stream')
        const { pipeline } = await import('node:stream/promises')
        const tar = Readable.fromWeb((await client.jobs.output(id)) as import('node:stream/web').ReadableStream)
        if (options.output === undefined) return await pipeline(tar, process.stdout)
        const { extractTar } = await import('../../node/outputs/extract.ts')
        const { files, bytes } = await extractTar(tar, options.output)
        process.stderr.write(`${files} files, ${bytes} bytes in ${options.output}\n`)
      }),
    )
}
