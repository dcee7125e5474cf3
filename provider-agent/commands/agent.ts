import { Command } from 'commander'
import { type PeerOptions, withPeerOptions } from '../../node/commands/options.ts'
import { untilSignal } from '../../node/commands/until-signal.ts'
import { addControlCommands } from './control.ts'
import { providerInit, type SellerOptions, sellerFlags, withEngine } from './seller-flags.ts'

/** `cortex agent`: sells this machine until it is stopped; and what its owner may ask of it meanwhile. */
export function agentCommand(): Command {
  const command = new Command('agent').description('rent out this machine: measure it, bid, and run the jobs it wins')
  withPeerOptions(sellerFlags(command), { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'info' })
  addControlCommands(command)
  return command
    .enablePositionalOptions() // `agent jobs --data D`: the flag is that of `jobs`.
    .addHelpText('after', '\nExample:\n  $ cortex agent --price-cpu 0.01 --cpu 4000 --memory 8Gi --region eu')
    .action(async (options: PeerOptions & SellerOptions) => {
      const [{ createLogger }, { startTracing }, { startProvider }] = await Promise.all([
        import('../../node/logger.ts'),
        import('../../node/commands/tracing.ts'),
        import('../start-provider.ts'),
      ])
      const logger = createLogger({ name: 'agent', level: options.logLevel })
      const { tracer, stop } = await startTracing('cortex-agent')
      const provider = await startProvider({ logger, tracer }, await withEngine(providerInit(options)))
      process.stderr.write(`selling on network ${options.network} as ${provider.network.peerId}\n`)
      const signal = await untilSignal()
      const left = options.stopJobs === true ? 'jobs are ended' : 'containers are left running for the next start'
      process.stderr.write(`${signal}: stopping, ${left}\n`)
      await provider.stop({ stopJobs: options.stopJobs === true })
      await stop()
    })
}
