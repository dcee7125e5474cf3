import { Command } from 'commander'
import { say } from './print.ts'

/** `cortex network-key FILE`: what makes a network private. */
export function networkKeyCommand(): Command {
  return new Command('network-key')
    .description('make the key of a private network: peers without it cannot connect')
    .argument('<file>', 'where it is written, for its owner alone; none is overwritten')
    .addHelpText('after', '\nExample:\n  $ cortex network-key ~/market.key')
    .action(async (file: string) => {
      const { createNetworkKey } = await import('../network/network-key.ts')
      await createNetworkKey(file)
      say(`wrote ${file}: copy it to every machine that is to join, and give it as --network-key`)
    })
}
