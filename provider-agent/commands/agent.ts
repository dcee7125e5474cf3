import { setInterval } from 'node:timers/promises'
import { Command } from 'commander'
import { backupCommands } from '../../node/commands/backup.ts'
import { type BackupOptions, withBackupOptions } from '../../node/commands/backup-flags.ts'
import { type PeerOptions, withPeerOptions } from '../../node/commands/options.ts'
import { say } from '../../node/commands/print.ts'
import { heedStop } from '../../node/commands/stopping.ts'
import type { RunningProvider } from '../start-provider.ts'
import { addControlCommands } from './control.ts'
import { providerInit, withEngine } from './provider-init.ts'
import { type SellerOptions, sellerFlags } from './seller-flags.ts'

/** `cortex agent`: sells this machine until it is stopped; and what its owner may ask of it meanwhile. */
export function agentCommand(): Command {
  const command = new Command('agent').description('rent out this machine: measure it, bid, and run the jobs it wins')
  withPeerOptions(sellerFlags(command), { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'info' })
  withBackupOptions(command)
  addControlCommands(command)
  for (const part of backupCommands('agent')) command.addCommand(part)
  return command
    .enablePositionalOptions() // `agent jobs --data D`: the flag is that of `jobs`.
    .addHelpText('after', '\nExample:\n  $ cortex agent --price-cpu 0.01 --cpu 4000 --memory 8Gi --region eu')
    .action(async (options: PeerOptions & SellerOptions & BackupOptions) => {
      const [{ createLogger }, { startTracing }, { startProvider }] = await Promise.all([
        import('../../node/logger.ts'),
        import('../../node/commands/tracing.ts'),
        import('../start-provider.ts'),
      ])
      const logger = createLogger({ name: 'agent', level: options.logLevel })
      const { tracer, stop } = await startTracing('cortex-agent')
      const { signal, stopped } = heedStop()
      const provider = await startProvider({ logger, tracer }, await withEngine(providerInit(options)), { signal })
      say(sellingLine(options.network, provider))
      void onceSelling(provider, signal, () => say(sellingLine(options.network, provider)))
      const reason = await stopped
      const left = options.stopJobs === true ? 'jobs are ended' : 'containers are left running for the next start'
      say(`${reason}: stopping, ${left}`)
      await provider.stop({ stopJobs: options.stopJobs === true })
      await stop()
    })
}

/** How often it is looked whether an agent sells by now, in ms. */
const LOOK_MS = 1_000

/** Calls back once an agent that something keeps from selling sells; never where it does already, or is stopped before. */
export async function onceSelling(
  { paused }: Pick<RunningProvider, 'paused'>,
  signal: AbortSignal,
  sells: () => void,
): Promise<void> {
  if (paused() === null) return
  try {
    for await (const _ of setInterval(LOOK_MS, null, { signal, ref: false })) {
      if (paused() === null) return sells()
    }
  } catch (error) {
    if (!signal.aborted) throw error
  }
}

/** What it does from here on: sells, or waits for what keeps it from that. */
export function sellingLine(
  networkName: string,
  { network, paused }: { network: Pick<RunningProvider['network'], 'peerId'>; paused: RunningProvider['paused'] },
): string {
  const why = paused()
  if (why === null) return `selling on network ${networkName} as ${network.peerId}`
  return `on network ${networkName} as ${network.peerId}, and sells nothing yet: it ${why}`
}
