import { z } from 'zod'

const usd = z.number()

/** What more time would mean for a job that has not ended. */
export const extensionSchema = z
  .strictObject({
    additional: z.int().describe('Seconds on top of the duration, as asked for.'),
    duration: z.int().describe('Longest runtime in seconds then.'),
    endsAt: z.iso
      .datetime()
      .nullable()
      .describe('When it then ends at the latest; null before its container has started.'),
    cost: usd.describe(
      'The most that the time costs, on the terms that its provider has accepted; before it is placed, an estimate.',
    ),
    projected: usd.describe('The most that the job costs then.'),
    currency: z.literal('USD').describe('Of all amounts.'),
    extends: z
      .boolean()
      .nullable()
      .describe('Whether its provider says that it extends jobs; null where it has none, or that is not heard of.'),
  })
  .meta({ id: 'Extension', description: 'What more time would mean for a job; nobody was asked for it yet.' })
