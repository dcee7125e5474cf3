/** What a submission says of its GPUs beside their number. */

import { z } from 'zod'
import { GPU_INTERCONNECTS, GPU_VENDORS, type GpuRequirements, type GpuVendor } from './gpus.ts'
import { bytesField, lineField } from './job-fields.ts'
import { MAX_ASKED_MODELS, MAX_MODEL_LENGTH, MIN_VRAM_BYTES } from './limits.ts'
import { parseBytes } from './units.ts'

/** With a letter or digit, by which models are told apart, and not a list in one text. */
const MODEL = /^[^,;]*[\p{L}\p{N}][^,;]*$/u

function modelProblem({ input }: { input?: unknown }): string {
  const isList = typeof input === 'string' && /[,;]/.test(input)
  return isList ? 'must be one model: several are a list, ["h100","a100"]' : 'must name a model, such as "h100"'
}

/** `gpuRequirements` of a submission; {@link gpuRequirementsOf} makes of it what peers are told. */
export const gpuRequirementsField = z
  .strictObject({
    vendor: z.enum(GPU_VENDORS).optional().describe('Whose they are.'),
    models: z
      .array(lineField(MAX_MODEL_LENGTH).regex(MODEL, { error: modelProblem }))
      .min(1)
      .max(MAX_ASKED_MODELS)
      .optional()
      .describe('Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.'),
    minVram: bytesField('VRAM', MIN_VRAM_BYTES, true)
      .optional()
      .describe('Of each, as it is sold: a card of 24 GB shows up to 7 % less.'),
    minCompute: z
      .string()
      .regex(/^(\d{1,2}\.\d|gfx\d{1,3}[0-9a-f]{2})$/, 'must be like "9.0" (NVIDIA) or "gfx942" (AMD)')
      .optional()
      .describe('Compute capability of NVIDIA’s, target of AMD’s; those of the other have none.'),
    cuda: z
      .string()
      .regex(/^>=\d{1,3}\.\d{1,2}$/, 'must be like ">=12.4"')
      .optional()
      .describe('What the driver runs at least.'),
    interconnect: z.enum(GPU_INTERCONNECTS).optional().describe('What joins them to each other.'),
  })
  .superRefine((fields, context) => {
    for (const { field, problem } of contradictions(fields)) {
      context.addIssue({ code: 'custom', path: [field], message: problem })
    }
  })
  .describe('What the GPUs must be, all of one kind; where it is left out, any.')

const MAKERS: Record<GpuVendor, string> = { nvidia: 'NVIDIA', amd: 'AMD', intel: 'Intel' }

interface MakerFields {
  vendor?: GpuVendor | undefined
  minCompute?: string | undefined
  cuda?: string | undefined
  interconnect?: (typeof GPU_INTERCONNECTS)[number] | undefined
}

/** Fields that only another maker's GPUs have than one before them: no GPU has both, and a job would wait for it in vain. */
function contradictions({ vendor, minCompute, cuda, interconnect }: MakerFields): {
  field: keyof MakerFields
  problem: string
}[] {
  const makers: { field: keyof MakerFields; said: string | undefined; maker: GpuVendor }[] = [
    { field: 'vendor', said: vendor, maker: vendor ?? 'nvidia' },
    { field: 'minCompute', said: minCompute, maker: minCompute?.startsWith('gfx') === true ? 'amd' : 'nvidia' },
    { field: 'cuda', said: cuda, maker: 'nvidia' },
    { field: 'interconnect', said: interconnect === 'pcie' ? undefined : interconnect, maker: linkMaker(interconnect) },
  ]
  const [first, ...rest] = makers.filter(({ said }) => said !== undefined)
  return rest.flatMap(({ field, said, maker }) => {
    if (first === undefined || maker === first.maker) return []
    const beside = `${first.field} "${first.said}", which means ${MAKERS[first.maker]}’s GPUs`
    const problem = `must not be beside ${beside}: "${said}" is of ${MAKERS[maker]}’s alone; leave out one of the two`
    return [{ field, problem }]
  })
}

function linkMaker(interconnect: MakerFields['interconnect']): GpuVendor {
  return interconnect === 'xgmi' ? 'amd' : 'nvidia'
}

type GpuFields = z.output<typeof gpuRequirementsField>

/** As peers say it; null where nothing is asked. */
export function gpuRequirementsOf(fields: GpuFields | undefined): GpuRequirements | null {
  const { vendor = '', models = [], minVram = '0', minCompute = '', cuda = '', interconnect = '' } = fields ?? {}
  const minMemoryBytes = parseBytes(minVram) ?? 0
  const minCuda = cuda.replace(/^>=/, '')
  const isAnything = [vendor, minCompute, minCuda, interconnect].every((text) => text === '')
  if (isAnything && models.length === 0 && minMemoryBytes === 0) return null
  return { vendor, models, minMemoryBytes, minCompute, minCuda, interconnect }
}
