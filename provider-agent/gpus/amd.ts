/**
 * The AMD GPUs of this machine, as `amd-smi` tells of them, or where that is not installed the older `rocm-smi`. What they
 * print changed its names several times; every one that is read here is of a release.
 */

import { z } from 'zod'
import { MAX_GPUS } from '../../protocol/limits.ts'
import { KFD, type RenderNodes, withDevices } from './device-files.ts'
import { busIdOf, silentTool } from './found.ts'
import { bareGpu, eccProblem, type FoundGpus, type Gpu, heatProblem, LOST, MIB, type UnsoldCard } from './gpu.ts'
import { jsonOf, type RunTool } from './tool.ts'

/** `N/A` where a number is not known, and some releases give its unit beside it. */
const amount = z.union([
  z.number(),
  z.object({ value: z.union([z.number(), z.string()]), unit: z.string() }),
  z.string(),
])
const text = z.string().optional().catch(undefined)

const staticCard = z.object({
  gpu: z.number().int(),
  asic: z.object({ market_name: text, target_graphics_version: text }).catch({}),
  board: z.object({ product_name: text }).catch({}),
  bus: z.object({ bdf: z.string(), slot_type: text }),
  driver: z.object({ version: text, driver_version: text }).catch({}),
  vram: z.object({ size: amount.optional(), vram_size: amount.optional(), vram_size_mb: amount.optional() }).catch({}),
  limit: z.object({ slowdown_hotspot_temperature: amount.optional() }).catch({}).optional(),
})

const metricCard = z.object({
  gpu: z.number().int(),
  temperature: z.object({ hotspot: amount.optional() }).catch({}).optional(),
  ecc: z
    .object({ total_uncorrectable_count: amount.optional(), total_uncorrect: amount.optional() })
    .catch({})
    .optional(),
})

/** Null where neither tool is installed. */
export async function findAmd(machine: { run: RunTool } & RenderNodes): Promise<FoundGpus | null> {
  const { run } = machine
  const known = await run('amd-smi', ['static', '--json'])
  if (known.status === 'missing') return await findByRocmSmi(machine)
  const said = jsonOf(known)
  if (rawList(said) === null) return { gpus: [], unsold: [silentTool('amd-smi', known, REMEDY)] }
  const [metrics, versions] = await Promise.all([
    run('amd-smi', ['metric', '--ecc', '--temperature', '--json']),
    run('amd-smi', ['version', '--json']),
  ])
  const rocm = JSON.stringify(jsonOf(versions) ?? '').match(/"rocm_version":"(\d[\d.]{0,30})/)?.[1] ?? ''
  const cards = parseAmdSmi(said, jsonOf(metrics), rocm)
  return await foundOf(cards, (rawList(said)?.length ?? 0) - cards.length, machine)
}

const REMEDY = 'load AMD’s driver or install ROCm again, or remove the tool if no such card is to be sold'

/** @param untold cards of which the tool says too little */
async function foundOf(cards: AmdCard[], untold: number, machine: RenderNodes): Promise<FoundGpus> {
  const gpus = await Promise.all(
    cards.map(async ({ busId, ...card }) => await withDevices(card, busId, machine, [KFD])),
  )
  return { gpus, unsold: Array.from({ length: Math.min(untold, MAX_GPUS) }, () => UNTOLD) }
}

const UNTOLD: UnsoldCard = { name: 'AMD GPU', reason: 'has no address on the bus by its tool: update ROCm' }

/** A card, and where on the bus it is. */
type AmdCard = Gpu & { busId: string }

/** Of `amd-smi static --json`, and `amd-smi metric --json` where that answered. */
function parseAmdSmi(known: unknown, metrics: unknown, rocm: string): AmdCard[] {
  const health = new Map(listOf(metrics, metricCard).map((card) => [card.gpu, card]))
  return listOf(known, staticCard).flatMap(({ gpu: index, asic, board, bus, driver, vram, limit }) => {
    const busId = busIdOf(bus.bdf)
    if (busId === null) return []
    const name = [board.product_name, asic.market_name].find(isValue) ?? ''
    const model = name === '' || /^amd/i.test(name) ? name : `AMD ${name}`
    const memoryBytes = (numberOf(vram.size ?? vram.vram_size ?? vram.vram_size_mb) ?? 0) * MIB
    const { temperature, ecc } = health.get(index) ?? {}
    const errors = numberOf(ecc?.total_uncorrectable_count ?? ecc?.total_uncorrect) ?? 0
    const [at, most] = [numberOf(temperature?.hotspot), numberOf(limit?.slowdown_hotspot_temperature)]
    return {
      ...amdCard(index, busId, model, memoryBytes),
      driver: valueIn(driver.version ?? driver.driver_version),
      runtime: rocm,
      compute: computeOf(asic.target_graphics_version),
      // Modules on one board are joined by Infinity Fabric.
      interconnect: bus.slot_type === 'OAM' ? 'xgmi' : 'pcie',
      problem: model === '' || memoryBytes === 0 ? LOST : problemOf(errors, at, most),
    }
  })
}

const ROCM_SMI = ['--showproductname', '--showmeminfo', 'vram', '--showbus', '--showdriverversion', '--json']

async function findByRocmSmi(machine: { run: RunTool } & RenderNodes): Promise<FoundGpus | null> {
  const answer = await machine.run('rocm-smi', ROCM_SMI)
  if (answer.status === 'missing') return null
  const said = jsonOf(answer)
  if (typeof said !== 'object' || said === null) {
    return { gpus: [], unsold: [silentTool('rocm-smi', answer, REMEDY)] }
  }
  const cards = parseRocmSmi(said)
  const listed = Object.keys(said).filter((name) => /^card\d/.test(name)).length
  return await foundOf(cards, listed - cards.length, machine)
}

/** Of `rocm-smi … --json`: an object of `card0`, `card1`, … and `system`, with names for people. */
function parseRocmSmi(said: unknown): AmdCard[] {
  const cards = z.record(z.string(), z.record(z.string(), z.unknown())).safeParse(said)
  if (!cards.success) return []
  const wordsOf = (card: string): [string, string][] =>
    Object.entries(cards.data[card] ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)])
  const driver = wordsOf('system').find(([name]) => name === 'driver version')?.[1] ?? ''
  return Object.keys(cards.data).flatMap((name) => {
    const [, place] = /^card(\d{1,3})$/.exec(name) ?? []
    const words = new Map(wordsOf(name))
    const busId = busIdOf(words.get('pci bus') ?? '')
    if (place === undefined || busId === null) return []
    // `Card series` was the product's name before 6.0, and is a kind of them since.
    const model =
      [words.get('device name'), words.get('card series'), words.get('card model')].find(isProductName) ?? ''
    const memoryBytes = numberOf(words.get('vram total memory (b)')) ?? 0
    return {
      ...amdCard(Number(place), busId, model, memoryBytes),
      driver: valueIn(driver),
      compute: computeOf(words.get('gfx version')),
      problem: model === '' || memoryBytes === 0 ? LOST : null,
    }
  })
}

function amdCard(index: number, busId: string, model: string, memoryBytes: number): AmdCard {
  const known = { vendor: 'amd', index, uuid: `amd-${busId}`, model: model === '' ? 'AMD GPU' : model } as const
  return { ...bareGpu({ ...known, memoryBytes }), busId }
}

function problemOf(errors: number, at: number | null, most: number | null): string | null {
  if (errors > 0) return eccProblem(errors)
  return at !== null && most !== null && at >= most ? heatProblem(`${at} °C`) : null
}

/** The entries that are whole; since ROCm 7 they stand below a name. */
function listOf<T>(said: unknown, schema: z.ZodType<T>): T[] {
  return (rawList(said) ?? []).flatMap((entry) => {
    const parsed = schema.safeParse(entry)
    return parsed.success ? [parsed.data] : []
  })
}

function rawList(said: unknown): unknown[] | null {
  const list = Array.isArray(said) ? said : (said as { gpu_data?: unknown } | null)?.gpu_data
  return Array.isArray(list) ? list : null
}

function computeOf(text: string | undefined): string {
  return text !== undefined && /^gfx[0-9a-f]{3,5}$/.test(text) ? text : ''
}

function numberOf(said: z.infer<typeof amount> | undefined): number | null {
  const number = Number(typeof said === 'object' ? said.value : (said ?? Number.NaN))
  return said === '' || !Number.isFinite(number) ? null : number
}

function isValue(text: string | undefined): text is string {
  return text !== undefined && text !== '' && text !== 'N/A'
}

function isProductName(text: string | undefined): text is string {
  return isValue(text) && !text.startsWith('0x')
}

function valueIn(text: string | undefined): string {
  return isValue(text) ? text.slice(0, 64) : ''
}
