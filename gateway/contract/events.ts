import { z } from 'zod'

/** One event, as streams and sockets tell it. */
export const apiEventSchema = z
  .strictObject({
    id: z.string().describe('Where a stream goes on after it: `Last-Event-ID`.'),
    type: z.string().describe('Name of the event.'),
    createdAt: z.iso.datetime().describe('When it happened.'),
    data: z.record(z.string(), z.unknown()).describe('What it is about.'),
  })
  .meta({ id: 'Event', description: 'Something that happened to a job or a provider.' })
