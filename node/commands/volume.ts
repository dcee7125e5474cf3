import { Command, Option } from 'commander'
import { seconds } from './docker-amounts.ts'
import { group } from './group.ts'
import { type PeerOptions, withPeerOptions } from './options.ts'
import type { VolumeContent } from './volume-content.ts'
import type { ShownReceipt } from './volume-table.ts'

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
  /** What both sides signed of it, the first one first. */
  receipts(id: string, options: VolumeOptions): Promise<ShownReceipt[]>
  /** Runs what copies from or to a volume. */
  withContent(id: string, options: VolumeOptions, task: (content: VolumeContent) => Promise<void>): Promise<void>
}

/** `cortex volume list|show|extend|receipt|download|upload|delete`: of the client node of this machine, or of a gateway where one is named. */
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
  const receipt = withSource(
    new Command('receipt').description('what keeping a volume has cost, as both sides have signed it'),
  )
    .argument('<id>', 'which')
    .option('-o, --output <file>', 'keep what was signed for `cortex receipt verify`')
    .addHelpText('after', '\nExample:\n  $ cortex volume receipt vol_5d41402abc4b2a76b9719d911f -o receipts.json')
    .action(async (id: string, options: VolumeOptions & { output?: string }) => {
      const { showReceipts } = await import('./volume-table.ts')
      await showReceipts(await (await sourceOf(options)).receipts(id, options), options)
    })
  const download = withSource(
    new Command('download').description('copy what is in a volume to here, whether a job has it or not'),
  )
    .argument('<volume[:/path]>', 'which, and what of it')
    .argument('[to]', 'a new folder, a file’s new name, or -: a tar on the standard output')
    .addHelpText(
      'after',
      `
Nothing is written over. What leads out of the folder, devices and the like are left out and named.

Examples:
  $ cortex volume download vol_5d41402abc4b2a76b9719d911f ./data
  $ cortex volume download vol_5d41402abc4b2a76b9719d911f:/model.bin
  $ cortex volume download vol_5d41402abc4b2a76b9719d911f - | tar -t`,
    )
    .action(async (from: string, to: string | undefined, options: VolumeOptions) => {
      const { downloadVolume, volumePlace } = await import('./volume-content.ts')
      const place = volumePlace(from)
      const task = async (content: VolumeContent) => await downloadVolume(content, place, to, options)
      await (await sourceOf(options)).withContent(place.id, options, task)
    })
  const upload = withSource(new Command('upload').description('copy a file, or what is in a folder, into a volume'))
    .argument('<path>', 'here; -: a tar on the standard input')
    .argument('<volume[:/dir]>', 'where to')
    .addHelpText(
      'after',
      `
It counts towards the volume’s size, and is refused before anything is written where that has no room for it.

Examples:
  $ cortex volume upload ./model.bin vol_5d41402abc4b2a76b9719d911f
  $ cortex volume upload ./rows vol_5d41402abc4b2a76b9719d911f:/in`,
    )
    .action(async (from: string, to: string, options: VolumeOptions) => {
      const { uploadVolume, volumePlace } = await import('./volume-content.ts')
      const place = volumePlace(to)
      const task = async (content: VolumeContent) => await uploadVolume(content, from, place, options)
      await (await sourceOf(options)).withContent(place.id, options, task)
    })
  const examples = ['list', 'extend vol_5d41402abc4b2a76b9719d911f 168h']
  return group(
    'volume',
    'what jobs left to be used again',
    [list, show, extend, receipt, download, upload, remove],
    examples,
  )
}

function withSource(command: Command): Command {
  return withPeerOptions(command, { listen: ['/ip4/0.0.0.0/tcp/0'], logLevel: 'silent' })
    .addOption(new Option('--gateway <url>', 'of this gateway, not of this machine').env('CORTEX_GATEWAY'))
    .addOption(new Option('--key <key>', 'for the gateway').env('CORTEX_KEY'))
    .option('--json', 'the API’s JSON')
}
