import { Command } from 'commander'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'
import { showId } from './template.ts'

/** `cortex provider add` and `cortex provider remove`: providers that a gateway is told of by hand. */
export function addedProviderCommands(): Command[] {
  return [add(), remove()]
}

function add(): Command {
  const command = new Command('add')
    .description('have a gateway keep a connection to a provider; prints the provider’s id')
    .argument('<name>', 'what people read until the provider says its own')
    .argument('<address...>', 'multiaddrs of one peer, each with its peer id')
  return withConnection(command)
    .addHelpText('after', '\nExample:\n  $ cortex provider add attic /ip4/192.0.2.7/tcp/13100/p2p/12D3KooW…')
    .action(
      asking(async (client, name: string, endpoints: string[], options: ConnectionOptions) => {
        await showId(await client.providers.add({ name, type: 'p2p', endpoints }), options)
      }),
    )
}

function remove(): Command {
  return withConnection(new Command('remove').description('have a gateway dial an added provider no more'))
    .argument('<id>', 'which')
    .addHelpText('after', '\nExample:\n  $ cortex provider remove 12D3KooW…')
    .action(asking(async (client, id: string) => await client.providers.delete(id)))
}
