/** The Intel GPUs of this machine, as `xpu-smi` tells of them, which reads Level Zero. */

import { z } from 'zod'
import { MAX_GPUS } from '../../protocol/limits.ts'
import { type RenderNodes, withDevices } from './device-files.ts'
import { busIdOf, silentTool } from './found.ts'
import { bareGpu, type FoundGpus, type Gpu, LOST, NO_MEMORY, type UnsoldCard } from './gpu.ts'
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
export async function findIntel(machine: { run: RunTool } & RenderNodes): Promise<FoundGpus | null> {
  const { run } = machine
  const answer = await run('xpu-smi', ['discovery', '-j'])
  if (answer.status === 'missing') return null
  const listed = parseIntelList(jsonOf(answer))
  if (listed === null) return { gpus: [], unsold: [silentTool('xpu-smi', answer, REMEDY)] }
  const gpus = await Promise.all(
    listed.gpus.map(async ({ busId, ...card }) => {
      const about = ['-d', String(card.index), '-j']
      const [more, health] = await Promise.all([
        run('xpu-smi', ['discovery', ...about]),
        run('xpu-smi', ['health', ...about]),
      ])
      return await withDevices(withDetails(card, jsonOf(more), jsonOf(health)), busId, machine)
    }),
  )
  return { gpus, unsold: listed.unsold }
}

const REMEDY = 'load Intel’s driver or install XPU Manager again, or remove the tool if no such card is to be sold'
const NO_ADDRESS = 'has no address on the bus by its tool: update XPU Manager'

/** Of `xpu-smi discovery -j`; virtual functions belong to machines inside this one. */
function parseIntelList(said: unknown): { gpus: (Gpu & { busId: string })[]; unsold: UnsoldCard[] } | null {
  const list = cards.safeParse(said)
  if (!list.success) return null
  const whole = list.data.device_list.filter(
    (card) => card.device_type === 'GPU' && card.device_function_type === 'physical',
  )
  const unsold: UnsoldCard[] = []
  const gpus = whole.slice(0, MAX_GPUS).flatMap(({ device_id: index, device_name: name, pci_bdf_address: bdf }) => {
    const busId = busIdOf(bdf)
    if (busId === null) {
      unsold.push({ name, reason: NO_ADDRESS })
      return []
    }
    const known = { vendor: 'intel', index, uuid: `intel-${busId}`, model: name.replaceAll('(R)', '') } as const
    return { ...bareGpu({ ...known, memoryBytes: 0 }), busId }
  })
  return { gpus, unsold }
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
