import { Command, Option } from 'commander'
import { gatewayFlags } from '../gateway/commands/gateway.ts'
import type { GatewayOptions } from '../gateway/commands/gateway-options.ts'
import { withBackupOptions } from '../node/commands/backup-flags.ts'
import { DEFAULT_PEER_PORT, type PeerOptions, withPeerOptions, words } from '../node/commands/options.ts'
import { say } from '../node/commands/print.ts'
import { heedStop } from '../node/commands/stopping.ts'
import { onceSelling } from '../provider-agent/commands/agent.ts'
import { providerInit, withEngine } from '../provider-agent/commands/provider-init.ts'
import { type SellerOptions, sellerFlags } from '../provider-agent/commands/seller-flags.ts'
import { fromHere, secondPeer } from './second-peer.ts'

type UpOptions = GatewayOptions & PeerOptions & SellerOptions & { agentListen?: string[]; agentAnnounce?: string[] }

/** `cortex up`: gateway, client node and provider agent in one process, as separate peers. */
export function upCommand(): Command {
  const command = new Command('up').description('everything in one process: gateway, client node and provider agent')
  withPeerOptions(sellerFlags(gatewayFlags(command)), {
    listen: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`],
    logLevel: 'warn',
  })
  withBackupOptions(command)
    .addOption(
      new Option('--agent-listen <multiaddr>', 'of the agent’s peer; repeat it (as --listen, at the next port)')
        .env('CORTEX_AGENT_LISTEN')
        .argParser(words),
    )
    .addOption(
      new Option('--agent-announce <multiaddr>', 'of the agent’s peer; repeat it (as --announce, at the next port)')
        .env('CORTEX_AGENT_ANNOUNCE')
        .argParser(words),
    )
  return command.addHelpText('after', '\nExample:\n  $ cortex up --open').action(async (options: UpOptions) => {
    const [{ createLogger }, { startTracing }, { startGatewayNode }, { startProvider }] = await Promise.all([
      import('../node/logger.ts'),
      import('../node/commands/tracing.ts'),
      import('../gateway/commands/start-gateway.ts'),
      import('../provider-agent/index.ts'),
    ])
    const { agentListen: listen, agentAnnounce: announce } = options
    const second = secondPeer(options, { ...(listen && { listen }), ...(announce && { announce }) })
    const logger = createLogger({ name: 'up', level: options.logLevel })
    const gateway = await startGatewayNode(logger, options, { embedded: true })
    // Before anybody hears that it is up, and may end it again.
    const { signal, stopped } = heedStop()
    gateway.introduce()
    const tracing = await startTracing('cortex-agent')
    try {
      const init = await withEngine(providerInit(options))
      // What is announced leads here from outside, by a router that may not turn round.
      const near = options.announce === undefined ? gateway.peerAddresses : fromHere(options.listen, gateway.peerId)
      const provider = await startProvider(
        { logger, tracer: tracing.tracer },
        // The gateway's peer to begin with: the path is the same as across a network.
        {
          ...init,
          // Whoever has a key of this gateway has it of the owner of its images.
          agent: { ...init.agent, ownRequesters: [gateway.peerId] },
          ...second,
          bootstrap: [...options.bootstrap, ...near],
        },
        { signal },
      )
      const why = provider.paused()
      if (why !== null) say(`the agent sells nothing yet: it ${why}`)
      void onceSelling(provider, signal, () => say('the agent sells now'))
      const reason = await stopped
      const left = options.stopJobs === true ? 'jobs are ended' : 'containers are left running for the next start'
      say(`${reason}: stopping, ${left}`)
      await provider.stop({ stopJobs: options.stopJobs === true })
    } finally {
      await gateway.stop()
      await tracing.stop()
    }
  })
}
