/** The files through which programs reach a card whose maker has no runtime for containers of its own. */

import type { Gpu } from './gpu.ts'

/** How the files of a card are found; of this machine in `find-gpus.ts`. */
export interface RenderNodes {
  /** Name of the file in `/dev/dri` that renders on the card at this bus address, e.g. `"renderD128"`; null where none does. */
  renderNode: (busId: string) => Promise<string | null>
  /** Number of the group that a file belongs to. */
  groupOf: (file: string) => Promise<number>
}

/** All of AMD's cards are computed on through this one. */
export const KFD = '/dev/kfd'

/** @param common files that it needs beside its own */
export async function withDevices(
  card: Gpu,
  busId: string,
  { renderNode, groupOf }: RenderNodes,
  common: string[] = [],
): Promise<Gpu> {
  const node = await renderNode(busId)
  if (node === null) return { ...card, problem: card.problem ?? 'has no file in /dev/dri: load its driver' }
  const devices = [...common, `/dev/dri/${node}`]
  const groups = new Set(await Promise.all(devices.map(groupOf)))
  groups.delete(0)
  return { ...card, devices, groups: [...groups] }
}
