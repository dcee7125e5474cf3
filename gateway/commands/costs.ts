import { Command, InvalidArgumentError, Option } from 'commander'
import type { CostQuery } from '../client/index.ts'
import { forecastWords, trendWords } from '../contract/cost-words.ts'
import { COST_GROUP, COST_PERIODS } from '../contract/costs.ts'
import { asking, type ConnectionOptions, withConnection } from './connection.ts'

interface CostsOptions extends ConnectionOptions, Pick<CostQuery, 'period' | 'from' | 'to' | 'timezone'> {
  by?: CostQuery['groupBy']
}

/** `cortex costs` */
export function costsCommand(): Command {
  const command = new Command('costs')
    .description('what jobs and volumes cost through a gateway, and what this month is expected to')
    .option('--by <group>', 'day, provider, or a label as label.KEY; day unless said', groupOf)
    .addOption(new Option('--period <time>', 'how far back, 30d unless said').choices(Object.keys(COST_PERIODS)))
    .option('--from <time>', 'of jobs created at or after, in place of a period, e.g. 2026-01-01')
    .option('--to <time>', 'of jobs created before; now unless said')
    .option('--timezone <name>', 'where days begin and end, e.g. Europe/Berlin; that of this machine unless said')
  return withConnection(command)
    .addHelpText('after', '\nExamples:\n  $ cortex costs\n  $ cortex costs --by label.team --period 7d')
    .action(
      asking(async (client, { by: groupBy, period, from, to, ...options }: CostsOptions) => {
        const { dollars, showList } = await import('./show.ts')
        const { printJson, say } = await import('../../node/commands/print.ts')
        const timezone = options.timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone
        const costs = await client.analytics.costs({ groupBy, period, from, to, timezone })
        const forecast = await client.analytics.forecast({ timezone })
        if (options.json === true) return printJson({ ...costs, forecast })
        const head = [costs.groupBy.toUpperCase(), 'JOBS', 'SPENT', 'OF IT JOBS', 'OF IT VOLUMES', 'RUNNING', 'AT MOST']
        const total = costs.rows.length > 1 ? [{ group: 'total', ...costs.total }] : []
        showList([...costs.rows, ...total], options, head, (row) => [
          row.group,
          String(row.jobs),
          ...[row.spent, row.final, row.volumes, row.running, row.projected].map(dollars),
        ])
        const trend = trendWords(forecast)
        say(forecastWords(forecast), ...(trend === null ? [] : [`${trend}.`]))
      }),
    )
}

function groupOf(text: string): NonNullable<CostQuery['groupBy']> {
  if (COST_GROUP.test(text)) return text as NonNullable<CostQuery['groupBy']>
  throw new InvalidArgumentError('Write day, provider, or a label as label.KEY.')
}
