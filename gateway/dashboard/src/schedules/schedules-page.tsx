import { Button, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Schedule } from '../../../client/index.ts'
import { useMay } from '../app/session.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Mark } from '../ui/mark.tsx'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { wordsOf } from './cron.ts'
import { schedulesQuery } from './queries.ts'

/** Runs of a schedule in the list. */
const SHOWN_RUNS = 10

/** Jobs that run again and again. */
export function SchedulesPage() {
  const query = useQuery(schedulesQuery)
  const mayWrite = useMay('jobs:write')
  const create = mayWrite && (
    <Button component={Link} to="/jobs/schedules/create">
      Create Schedule
    </Button>
  )
  return (
    <Page title="Schedules" description="Jobs that run again and again." actions={create}>
      <Loaded query={query}>
        {(schedules) =>
          schedules.length === 0 ? (
            <Empty icon="schedules" title="No schedules yet" action={create}>
              A schedule submits a job at every tick of a cron expression, once, also over restarts of the gateway.
            </Empty>
          ) : (
            <Card>
              <PlainTable label="Schedules" heads={['Name', 'Runs', 'Status', 'Next', 'Last', 'Last runs']}>
                {schedules.map((schedule) => (
                  <Table.Tr key={schedule.id}>
                    <Table.Td>
                      <Link to="/jobs/schedules/$scheduleId" params={{ scheduleId: schedule.id }} className="text-link">
                        {schedule.name}
                      </Link>
                    </Table.Td>
                    <Table.Td>
                      {wordsOf(schedule.schedule)}
                      <Text size="xs" c="dimmed" className="mono">
                        {schedule.schedule} · {schedule.timezone}
                      </Text>
                    </Table.Td>
                    <Table.Td>
                      <StatusBadge status={schedule.enabled ? 'enabled' : 'paused'} />
                    </Table.Td>
                    <Table.Td>
                      {schedule.enabled && schedule.nextRuns.length === 0 ? (
                        <StatusBadge status="never" />
                      ) : (
                        <Ago at={schedule.nextRuns[0]} />
                      )}
                    </Table.Td>
                    <Table.Td>
                      <Ago at={schedule.lastRuns[0]?.tick} />
                    </Table.Td>
                    <Table.Td>
                      <LastRuns runs={schedule.lastRuns.slice(0, SHOWN_RUNS).toReversed()} />
                    </Table.Td>
                  </Table.Tr>
                ))}
              </PlainTable>
            </Card>
          )
        }
      </Loaded>
    </Page>
  )
}

/** How the last runs ended, the newest last. */
function LastRuns({ runs }: { runs: Schedule['lastRuns'] }) {
  const words = runs.map(({ job, outcome }) => job?.status ?? outcome)
  if (words.length === 0) return '–'
  return (
    <span className="marks" title={words.join(', ')}>
      <span className="sr-only">{words.join(', ')}</span>
      {runs.map(({ tick, jobId }, i) => (
        <Mark key={`${tick}${jobId}`} status={words[i] ?? ''} />
      ))}
    </span>
  )
}
