import { z } from 'zod'
import { PROVIDER_EXAMPLE } from '../contract/providers.ts'

/** A provider in a path: its peer id; of routes that submit, also the end of it, or a name that only it has. */
export const providerParams = z.strictObject({
  id: z
    .string()
    .max(128)
    .describe('Which provider.')
    .meta({ examples: [PROVIDER_EXAMPLE.id] }),
})
