import { Command } from 'commander'
import { DEFAULT_PEER_PORT, type PeerOptions, partFolder, peerInit, withPeerOptions } from './options.ts'
import { say } from './print.ts'
import { type RelayOptions, relayLimits, withRelayLimits } from './relay-options.ts'
import { untilStopped } from './stopping.ts'

/** `cortex relay`: a public helper for those behind routers. */
export function relayCommand(): Command {
  const command = new Command('relay').description('help peers behind routers to be reached; needs a public address')
  withPeerOptions(withRelayLimits(command), { listen: [`/ip4/0.0.0.0/tcp/${DEFAULT_PEER_PORT}`], logLevel: 'info' })
  return command
    .addHelpText('after', '\nExample:\n  $ cortex relay --network main --relay-bytes 32Mi')
    .action(async (options: PeerOptions & RelayOptions) => {
      const [{ createLogger }, { startRelayNode }] = await Promise.all([
        import('../logger.ts'),
        import('../relay-node.ts'),
      ])
      const relay = await startRelayNode(
        { logger: createLogger({ name: 'relay', level: options.logLevel }) },
        { ...peerInit(options), dataFolder: partFolder(options, 'relay'), relay: relayLimits(options) },
      )
      // Before anybody hears that it is up, and may end it again.
      const stopped = untilStopped()
      say(`a relay on network ${options.network}, to be given as --bootstrap:`)
      for (const address of relay.network.addresses()) say(`  ${address}`)
      await stopped
      await relay.stop()
    })
}
