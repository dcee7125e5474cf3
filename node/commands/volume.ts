import { Command, Option } from 'commander'
import { seconds } from './docker-amounts.ts'
import { group } from './group.ts'
import { type PeerOptions, withPeerOptions } from './options.ts'

/** Flags of `cortex volume …`, as commander gives them. */
export interface VolumeOptions extends PeerOptions {
  /** URL of the gateway to ask; absent where it is about the volumes of `cortex run` on this machine. */
  gateway?: string
  /** For the gateway. */
  key?: string
  /** Whether `list` shows those that are there no more, too. */
  all?: true
  json?: true
}

/** Whose volumes they are: a gateway's, or a client node's. */
export interface VolumeSource {
  list(options: VolumeOptions): Promise<void>
  show(id: string, options: VolumeOptions): Promise<void>
  extend(id: string, keepSeconds: number, options: VolumeOptions): Promise<void>
  delete(id: string, options: VolumeOptions): Promise<void>
}

/** `cortex volume list|show|extend|delete`: of the client node of this machine, or of a gateway where one is named. */
export function volumeCommand(sources: Record<'gateway' | 'network', () => Promise<VolumeSource>>): Command {
  const sourceOf = async (options: VolumeOptions) =>
    await (options.gateway === undefined ? sources.network() : sources.gateway())
  const list = withSource(new Command('list').description('volumes that jobs left, newest first'))
    .option('--all', 'those that were deleted, or are gone, too')
    .addHelpText('after', '\nExample:\n  $ cortex volume list --gateway http://localhost:13000')
    .action(async (options: VolumeOptions) => await (await sourceOf(options)).list(options))
  const show = withSource(new Command('show').description('one volume, as its provider tells of it now'))
    .argument('<id>', 'which')
    .addHelpText('after', '\nExample:\n  $ cortex volume show vol_5d41402abc4b2a76b9719d911f')
    .action(async (id: string, options: VolumeOptions) => await (await sourceOf(options)).show(id, options))
  const extend = withSource(new Command('extend').description('keep a volume so long after its last use, from now on'))
    .argument('<id>', 'which')
    .argument('<keep>', 'seconds; or e.g. 72h', seconds)
    .addHelpText('after', '\nExample:\n  $ cortex volume extend vol_5d41402abc4b2a76b9719d911f 168h')
    .action(
      async (id: string, keep: number, options: VolumeOptions) =>
        await (await sourceOf(options)).extend(id, keep, options),
    )
  const remove = withSource(new Command('delete').description('delete a volume, with what is in it'))
    .argument('<id>', 'which')
    .addHelpText('after', '\nExample:\n  $ cortex volume delete vol_5d41402abc4b2a76b9719d911f')
    .action(async (id: string, options: VolumeOptions) => await (await sourceOf(options)).delete(id, options))
  const examples = ['list', 'extend vol_5d41402abc4b2a76b9719d911f 168h']
  return group('volume', 'what jobs left to be used again', [list, show, extend, remove], examples)
}

function withSource(command: Command): Command {
  return withPeerOptions(command, { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'silent' })
    .addOption(new Option('--gateway <url>', 'of this gateway, not of this machine').env('CORTEX_GATEWAY'))
    .addOption(new Option('--key <key>', 'for the gateway').env('CORTEX_KEY'))
    .option('--json', 'the API’s JSON')
}
