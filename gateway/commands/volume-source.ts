import type { VolumeOptions, VolumeSource } from '../../node/commands/volume.ts'
import { showVolume, showVolumes } from '../../node/commands/volume-table.ts'
import type { CortexClient } from '../client/index.ts'
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
}

async function asking<T>(
  { gateway = DEFAULT_GATEWAY, key }: VolumeOptions,
  ask: (client: CortexClient) => Promise<T>,
): Promise<T> {
  return await throughGateway({ gateway, ...(key === undefined ? {} : { key }) }, ask)
}
