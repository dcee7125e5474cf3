/** The GPUs of this machine, and the cards that cannot be sold. */

import { readdir, stat } from 'node:fs/promises'
import { GPU_VENDORS } from '../../protocol/gpus.ts'
import { findAmd } from './amd.ts'
import type { RenderNodes } from './device-files.ts'
import { soundOnly } from './found.ts'
import type { FoundGpus } from './gpu.ts'
import { findIntel } from './intel.ts'
import { findNvidia, type NvidiaComponents } from './nvidia.ts'
import { type Controller, unsoldCards } from './other-cards.ts'
import { type RunTool, runTool } from './tool.ts'

/** What {@link findGpus} looks with. */
export interface FindComponents extends NvidiaComponents, RenderNodes {
  run: RunTool
  /** Every card on the bus, whoever speaks for it. */
  controllers: () => Promise<Controller[]>
}

/** What this machine's own files and tools say. */
const thisMachine: FindComponents = {
  run: async (name, args) => await runTool(name, args),
  busIds: async () => await readdir('/proc/driver/nvidia/gpus').catch(() => []), // No such driver.
  async renderNode(busId) {
    const files = await readdir(`/sys/bus/pci/devices/${busId}/drm`).catch(() => []) // No such card, or no driver for it.
    return files.find((name) => /^renderD\d+$/.test(name)) ?? null
  },
  groupOf: async (file) =>
    await stat(file).then(
      ({ gid }) => gid,
      () => 0,
    ), // Gone: root's.
  async controllers() {
    // Looked at once: a card that no tool speaks for is sold only after something was installed.
    seen ??= (async () => {
      const { default: system } = await import('systeminformation')
      return (await system.graphics()).controllers.map(({ vendor, model }) => ({ vendor, model }))
    })().catch(() => []) // What cannot be listed is nobody's loss but a hint's.
    return await seen
  },
}
let seen: Promise<Controller[]> | undefined

/** Never rejects: what does not answer is not sold. */
export async function findGpus(machine: FindComponents = thisMachine): Promise<FoundGpus> {
  const found = await Promise.all([findNvidia(machine), findAmd(machine), findIntel(machine)])
  const silent = GPU_VENDORS.filter((_, place) => found[place] === null)
  const unsold = silent.length === 0 ? [] : unsoldCards(await machine.controllers(), silent)
  return soundOnly({
    gpus: found.flatMap((one) => one?.gpus ?? []),
    unsold: [...found.flatMap((one) => one?.unsold ?? []), ...unsold],
  })
}
