import type { ClientNode } from '../index.ts'
import { createLogger } from '../logger.ts'
import { ReachError } from '../reach/index.ts'
import type { VolumeRecord } from '../store/index.ts'
import { volumeReceiptViews } from '../views/receipt-view.ts'
import { volumeViews } from '../views/volume-view.ts'
import { VolumeError } from '../volumes/index.ts'
import { providersHeard } from './await-providers.ts'
import { CliError } from './cli-error.ts'
import { startInSlot } from './client-slot.ts'
import { say } from './print.ts'
import { statusLine } from './status-line.ts'
import type { VolumeOptions, VolumeSource } from './volume.ts'
import { showVolume, showVolumes } from './volume-table.ts'

const OWN_NODE = 'each client node has its own: while another cortex command runs here, its volumes are not seen'

/** The volumes of `cortex run` on this machine, as a client node of its own sees them. */
export const networkVolumes: VolumeSource = {
  async list(options) {
    await withNode(options, async ({ volumes, directory }) => {
      for (const { id, state } of volumes.list()) if (state === 'kept' || state === 'deleting') await volumes.look(id)
      const shown = volumes
        .list()
        .filter(({ state }) => options.all === true || state === 'kept' || state === 'deleting')
      if (shown.length === 0 && options.json !== true) say(`none; ${OWN_NODE}`)
      else showVolumes(await volumeViews(shown, { directory, volumes }), options)
    })
  },
  async show(id, options) {
    await about(id, options, async ({ volumes }) => await volumes.look(id))
  },
  async extend(id, keepSeconds, options) {
    await about(id, options, async ({ volumes }) => await volumes.extend(id, keepSeconds))
  },
  async delete(id, options) {
    await about(id, options, async ({ volumes }) => await volumes.delete(id))
  },
  async receipts(id, options) {
    let views: Awaited<ReturnType<typeof volumeReceiptViews>> = []
    await withNode(options, async ({ volumes }) => {
      if (volumes.get(id) !== undefined) await volumes.look(id)
      views = await volumeReceiptViews(await Array.fromAsync(volumes.receipts(id)))
    })
    return views
  },
  async withContent(id, options, task) {
    await withNode(options, async ({ volumes: { files } }, line) => {
      const { signal } = new AbortController()
      line.stop()
      await task({
        async typeAt(path) {
          try {
            return (await files.look(id, path, { limit: 0 }, signal)).file.type
          } catch (error) {
            if (error instanceof ReachError && error.code === 'NO_FILE') return null
            throw error
          }
        },
        readTar: async (path) => (await files.read(id, path, { tar: true }, signal)).content,
        write: async (path, how, source) =>
          await files.write(id, path, how, source as AsyncIterable<Uint8Array>, signal),
      })
    })
  },
}

async function about(
  id: string,
  options: VolumeOptions,
  act: (node: ClientNode) => Promise<VolumeRecord | undefined>,
): Promise<void> {
  await withNode(options, async (node) => {
    const record = await act(node)
    if (record === undefined) throw new CliError(`There is no volume ${id}; ${OWN_NODE}`)
    for (const view of await volumeViews([record], node)) showVolume(view, options)
  })
}

async function withNode(
  options: VolumeOptions,
  task: (node: ClientNode, line: Pick<ReturnType<typeof statusLine>, 'stop'>) => Promise<void>,
): Promise<void> {
  const line = statusLine()
  line.now('asking the providers')
  const node = await startInSlot(options, { logger: createLogger({ name: 'cortex', level: options.logLevel }) })
  try {
    await providersHeard(node.directory)
    await task(node, line)
  } catch (error) {
    if (error instanceof ReachError) throw new CliError(error.message, 1, { cause: error })
    if (!(error instanceof VolumeError)) throw error
    const hint = error.code === 'UNKNOWN_VOLUME' ? `; ${OWN_NODE}` : ''
    throw new CliError(`${error.message}${hint}`, 1, { cause: error })
  } finally {
    line.stop()
    await node.stop()
  }
}
