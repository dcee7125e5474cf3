/** What a submission says of its GPUs beside their number. */

import { z } from 'zod'
import { GPU_INTERCONNECTS, GPU_VENDORS, type GpuRequirements } from './gpus.ts'
import { bytesField, lineField } from './job-fields.ts'
import { MAX_ASKED_MODELS, MAX_MODEL_LENGTH } from './limits.ts'
import { parseBytes } from './units.ts'

/** `gpuRequirements` of a submission; {@link gpuRequirementsOf} makes of it what peers are told. */
export const gpuRequirementsField = z
  .strictObject({
    vendor: z.enum(GPU_VENDORS).optional(),
    models: z
      .array(lineField(MAX_MODEL_LENGTH).regex(/[\p{L}\p{N}]/u, 'must name a model, such as "h100"'))
      .min(1)
      .max(MAX_ASKED_MODELS)
      .optional()
      .describe('Any of these, as whole words of the driver’s name in any case: `h100`, `rtx4090`, `a100 80gb`.'),
    minVram: bytesField('VRAM').optional().describe('Of each, as it is sold: a card of 24 GB shows up to 7 % less.'),
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
  .describe('What the GPUs must be, all of one kind; where it is left out, any.')

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
