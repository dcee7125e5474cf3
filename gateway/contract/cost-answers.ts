import { z } from 'zod'
import { COST_GROUP, COST_PERIODS, DAY_MS, MAX_COST_DAYS } from './costs.ts'
import { keysOf, timeField } from './list-fields.ts'
import { zoneField } from './zone-field.ts'

const usd = z.number().describe('US dollars.')
const currency = z.literal('USD').describe('Of all amounts.')
const time = z.iso.datetime()

/** What of the query says in which zone days begin and end. */
const timezone = zoneField
  .default('UTC')
  .describe('In which zone days begin and end: an IANA name in any case, a city, a country, `UTC+2`, `PST`.')

/** Which costs are added up, and by what. */
export const costQuery = z
  .strictObject({
    period: keysOf(COST_PERIODS).default('30d').describe('How far back, until `to`; `from` outweighs it.'),
    from: timeField.optional().describe(`Of jobs created at or after; at most ${MAX_COST_DAYS} days before \`to\`.`),
    to: timeField.optional().describe('Of jobs created before; now unless said.'),
    groupBy: z
      .string()
      .max(128)
      .regex(COST_GROUP, 'must be day, provider or label.KEY')
      .default('day')
      .describe('`day`, `provider`, or a label as `label.KEY`.'),
    timezone,
  })
  .superRefine(({ from, to }, context) => {
    const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
    if (from === undefined) return
    const until = to ?? Date.now()
    if (from >= until) issue('from', 'must be before to, which is now unless said')
    else if (until - from > MAX_COST_DAYS * DAY_MS) {
      issue('from', `must be at most ${MAX_COST_DAYS} days before to, which is now unless said`)
    }
  })

const sums = {
  jobs: z.number().int().describe('How many.'),
  spent: usd.describe('For good: `final` and `volumes` together.'),
  final: usd.describe('Of it, on jobs that have ended.'),
  volumes: usd.describe('Of it, for keeping volumes while no job had them, by the receipts signed in the time.'),
  running: usd.describe('Metered so far of jobs that have not ended.'),
  projected: usd.describe('The most that those come to: those with a provider for their whole duration and grace.'),
  actual: usd.describe('`final` and `running` together.'),
  estimated: usd.describe(
    'What all jobs would have cost at their accepted prices for their whole duration and grace; many end earlier.',
  ),
}

const rowSchema = z.strictObject({
  group: z.string().describe('The day, the provider’s peer id, or the label’s value.'),
  ...sums,
})
/** What the jobs of one group cost, in US dollars, and beside them volumes. */
export type CostRow = z.output<typeof rowSchema>

/** What jobs and volumes cost, by group. */
export const costsSchema = z
  .strictObject({
    from: time.describe('Where the time begins.'),
    to: time.describe('Where it ends.'),
    groupBy: z.string().describe('As it was asked for.'),
    timezone: z.string().describe('In which days begin and end.'),
    currency,
    rows: z.array(rowSchema).describe('One for each group that has a job or a volume.'),
    total: z.strictObject(sums).describe('Of all groups.'),
  })
  .meta({ id: 'Costs', description: 'What jobs and volumes cost, by group.' })

/** In which zone the days and the month of a forecast are. */
export const forecastQuery = z.strictObject({ timezone })

/** What this month is expected to come to, and what that rests on. */
export const forecastSchema = z
  .strictObject({
    timezone: z.string().describe('In which days begin and end.'),
    currency,
    basis: z
      .strictObject({
        from: time.describe('Where the first of the days begins.'),
        to: time.describe('Where the last one ended: today is none of them.'),
        days: z.number().int().describe('How many: 7, or fewer where the first job is younger; 0 where there is none.'),
        spent: usd.describe('On them, running jobs so far included.'),
        perDay: usd.nullable().describe('Of it on each, on average; null without days.'),
        perDayBefore: usd.nullable().describe('The same of the seven days before; null where nothing was spent then.'),
      })
      .describe('The last whole days, by which it is expected to go on.'),
    month: z
      .strictObject({
        from: time.describe('Where this month begins.'),
        to: time.describe('Where it ends.'),
        spent: usd.describe('Until now, running jobs so far included.'),
        expected: usd.nullable().describe('In all, if it goes on as on the days of `basis`; null without any.'),
      })
      .describe('Of this month.'),
  })
  .meta({ id: 'CostForecast', description: 'What this month is expected to come to, and what that rests on.' })
