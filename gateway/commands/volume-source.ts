import { Readable } from 'node:stream'
import { readable } from '../../node/commands/local-files.ts'
import type { VolumeOptions, VolumeSource } from '../../node/commands/volume.ts'
import type { VolumeContent } from '../../node/commands/volume-content.ts'
import { showVolume, showVolumes } from '../../node/commands/volume-table.ts'
import { type CortexClient, CortexError } from '../client/index.ts'
import { DEFAULT_GATEWAY } from '../contract/address.ts'
import { throughGateway } from './connection.ts'

/** Volumes of a gateway's jobs, as far as the key sees them. */
export const gatewayVolumes: VolumeSource = {
  async list(options) {
    const query = options.all === true ? {} : { status: ['kept', 'deleting'] as const }
    showVolumes(await asking(options, async ({ volumes }) => await Array.fromAsync(volumes.all(query))), options)
  },
  async show(id, options) {
    showVolume(await asking(options, async ({ volumes }) => await volumes.get(id)), options)
  },
  async extend(id, keep, options) {
    showVolume(await asking(options, async ({ volumes }) => await volumes.extend(id, keep)), options)
  },
  async delete(id, options) {
    showVolume(await asking(options, async ({ volumes }) => await volumes.delete(id)), options)
  },
  async receipts(id, options) {
    return await asking(options, async ({ volumes }) => await Array.fromAsync(volumes.allReceipts(id)))
  },
  async withContent(id, options, task) {
    await asking(options, async (client) => await task(contentOf(client, id)))
  },
}

function contentOf({ volumes: { files } }: CortexClient, id: string): VolumeContent {
  return {
    async typeAt(path) {
      try {
        return String((await files.list(id, path, { max: 0 })).type)
      } catch (error) {
        if (error instanceof CortexError && error.details?.reason === 'NO_FILE') return null
        throw error
      }
    },
    readTar: async (path) => readable(await files.readTar(id, path)),
    async write(path, { tar = false, mode }, source) {
      const body = Readable.toWeb(source) as ReadableStream<Uint8Array>
      const how = mode === undefined ? {} : { mode }
      const written = await (tar ? files.writeTar(id, path, body) : files.write(id, path, body, how))
      return { ...written, leftOut: Array.isArray(written.leftOut) ? written.leftOut : [] }
    },
  }
}

async function asking<T>(
  { gateway = DEFAULT_GATEWAY, key }: VolumeOptions,
  ask: (client: CortexClient) => Promise<T>,
): Promise<T> {
  return await throughGateway({ gateway, ...(key === undefined ? {} : { key }) }, ask)
}
