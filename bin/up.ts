import { Command } from 'commander'
import { type GatewayOptions, gatewayFlags } from '../gateway/commands/gateway.ts'
import { DEFAULT_PEER_PORT, type PeerOptions, withPeerOptions } from '../node/commands/options.ts'
import { untilSignal } from '../node/commands/until-signal.ts'
import { providerInit, type SellerOptions, sellerFlags, withEngine } from '../provider-agent/commands/seller-flags.ts'

type UpOptions = GatewayOptions & PeerOptions & SellerOptions

/** `cortex up`: gateway, client node and provider agent in one process, as separate peers. */
export function upCommand(): Command {
  const command = new Command('up').description('everything in one process: gateway, client node and provider agent')
  withPeerOptions(sellerFlags(gatewayFlags(command)), {
    listen: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`],
    logLevel: 'warn',
  })
  return command.addHelpText('after', '\nExample:\n  $ cortex up --open').action(async (options: UpOptions) => {
    const [{ createLogger }, { startTracing }, { startGatewayNode }, { startProvider }] = await Promise.all([
      import('../node/logger.ts'),
      import('../node/commands/tracing.ts'),
      import('../gateway/commands/start-gateway.ts'),
      import('../provider-agent/index.ts'),
    ])
    const logger = createLogger({ name: 'up', level: options.logLevel })
    const gateway = await startGatewayNode(logger, options, { embedded: true })
    const tracing = await startTracing('cortex-agent')
    try {
      const provider = await startProvider(
        { logger, tracer: tracing.tracer },
        // Its own port, and the gateway's peer to begin with: the path is the same as across a network.
        {
          ...(await withEngine(providerInit(options))),
          listen: ['/ip4/0.0.0.0/tcp/0'],
          bootstrap: [...options.bootstrap, ...gateway.peerAddresses],
        },
      )
      const signal = await untilSignal()
      const left = options.stopJobs === true ? 'jobs are ended' : 'containers are left running for the next start'
      process.stderr.write(`${signal}: stopping, ${left}\n`)
      await provider.stop({ stopJobs: options.stopJobs === true })
    } finally {
      await gateway.stop()
      await tracing.stop()
    }
  })
}
