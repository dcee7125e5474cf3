import { z } from 'zod'

const text = (what: string) => z.string().describe(`${what}; empty where the provider does not tell.`)

/** GPUs of one kind. */
export const gpuSchema = z
  .strictObject({
    vendor: text('`nvidia`, `amd` or `intel`'),
    model: text('The driver’s name'),
    memory: z.string().describe('Of each.'),
    count: z.number().int().describe('How many.'),
    driver: text('Version of the driver'),
    runtime: text('The newest CUDA that the driver runs, or the ROCm that is installed'),
    compute: text('Compute capability of NVIDIA’s, target of AMD’s'),
    interconnect: text('`pcie`, `nvlink` or `xgmi`'),
    migProfile: z.string().describe('Of a part of a card; empty for a whole one.'),
  })
  .meta({ id: 'Gpu', description: 'GPUs of one kind.' })

/** A {@link gpuSchema} for the API’s document. */
export const GPU_EXAMPLE: z.input<typeof gpuSchema> = {
  ...{ vendor: 'nvidia', model: 'NVIDIA A10', memory: '23028Mi', count: 2, driver: '550.54.14', runtime: '12.4' },
  ...{ compute: '8.6', interconnect: 'pcie', migProfile: '' },
}
