import { z } from 'zod'

/** Of what documents a volume by an example. */
export const VOLUME_ID_EXAMPLE = 'vol_5d41402abc4b2a76b9719d911f'

/** Which volume. */
export const volumeParams = z.strictObject({
  id: z
    .string()
    .max(64)
    .describe('Which volume.')
    .meta({ examples: [VOLUME_ID_EXAMPLE] }),
})
