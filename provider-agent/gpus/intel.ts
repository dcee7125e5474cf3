/** The Intel GPUs of this machine, as `xpu-smi` tells of them, which reads Level Zero. */

import { z } from 'zod'
import { type RenderNodes, withDevices } from './device-files.ts'
import { bareGpu, type Gpu, LOST, NO_MEMORY } from './gpu.ts'
import { jsonOf, type RunTool } from './tool.ts'

const number = z.union([z.number(), z.string()]).optional().catch(undefined)

const cards = z.object({
  device_list: z.array(
    z.object({
      device_id: z.number().int(),
      device_name: z.string(),
      device_type: z.string().catch('GPU'),
      device_function_type: z.string().catch('physical'),
      pci_bdf_address: z.string(),
    }),
  ),
})

const details = z.object({ memory_physical_size_byte: number, driver_version: z.string().catch('') })

const state = z
  .object({ status: z.string(), description: z.string().catch('') })
  .optional()
  .catch(undefined)
const healthOf = z.object({ core_temperature: state, memory: state, memory_temperature: state, fabric_port: state })

/** Null where the tool is not installed. */
export async function findIntel(machine: { run: RunTool } & RenderNodes): Promise<Gpu[] | null> {
  const { run } = machine
  const answer = await run('xpu-smi', ['discovery', '-j'])
  if (answer.status === 'missing') return null
  return await Promise.all(
    parseIntelList(jsonOf(answer)).map(async ({ busId, ...card }) => {
      const about = ['-d', String(card.index), '-j']
      const [more, health] = await Promise.all([
        run('xpu-smi', ['discovery', ...about]),
        run('xpu-smi', ['health', ...about]),
      ])
      return await withDevices(withDetails(card, jsonOf(more), jsonOf(health)), busId, machine)
    }),
  )
}

/** Of `xpu-smi discovery -j`; virtual functions belong to machines inside this one. */
function parseIntelList(said: unknown): (Gpu & { busId: string })[] {
  const list = cards.safeParse(said)
  if (!list.success) return []
  const whole = list.data.device_list.filter(
    (card) => card.device_type === 'GPU' && card.device_function_type === 'physical',
  )
  return whole.map(({ device_id: index, device_name: name, pci_bdf_address: bdf }) => {
    const busId = bdf.toLowerCase()
    const known = { vendor: 'intel', index, uuid: `intel-${busId}`, model: name.replaceAll('(R)', '') } as const
    return { ...bareGpu({ ...known, memoryBytes: 0 }), busId }
  })
}

/** With what `xpu-smi discovery -d` and `xpu-smi health -d` say of the card. */
function withDetails(card: Gpu, more: unknown, health: unknown): Gpu {
  const known = details.safeParse(more)
  if (!known.success) return { ...card, problem: LOST }
  const memoryBytes = Number(known.data.memory_physical_size_byte ?? 0)
  const driver = known.data.driver_version.slice(0, 64)
  if (!(memoryBytes > 0)) return { ...card, driver, problem: NO_MEMORY }
  const states = Object.entries(healthOf.safeParse(health).data ?? {})
  const [bad] = states.filter(([, found]) => found?.status === 'Critical')
  const problem =
    bad === undefined ? null : `is not well (${bad[0].replaceAll('_', ' ')}): look after it, or restart the machine`
  return { ...card, driver, memoryBytes, problem }
}
