import { z } from 'zod'

/** One event, as streams and sockets tell it. */
export const apiEventSchema = z
  .strictObject({
    id: z.string(),
    type: z.string(),
    createdAt: z.iso.datetime(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event' })
