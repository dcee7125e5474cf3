import { Button, Table, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schedule } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { failed, told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { timeIn, wordsOf } from './cron.ts'
import { scheduleQuery } from './queries.ts'

/** One schedule with its next and past runs. */
export function SchedulePage() {
  const { scheduleId } = useParams({ from: '/signed-in/jobs/schedules/$scheduleId' })
  const query = useQuery(scheduleQuery(scheduleId))
  return <Loaded query={query}>{(schedule) => <ScheduleDetails schedule={schedule} />}</Loaded>
}

function ScheduleDetails({ schedule }: { schedule: Schedule }) {
  const { id, name, timezone } = schedule
  const navigate = useNavigate()
  const mayWrite = useMay('jobs:write')
  const [isLeaving, setLeaving] = useState(false)
  const act = useMutation({
    mutationFn: async (action: 'run' | 'pause' | 'resume') => {
      await client.schedules[action](id)
      return action
    },
    async onSuccess(action) {
      await queryClient.invalidateQueries({ queryKey: ['schedules'] })
      told({ run: 'Submitted a job', pause: 'Paused', resume: 'Resumed' }[action])
    },
    onError: (error) => failed('That did not work', error),
  })
  return (
    <Page
      title={name}
      badge={<StatusBadge status={schedule.enabled ? 'enabled' : 'paused'} />}
      description={wordsOf(schedule.schedule)}
      actions={
        mayWrite && (
          <>
            <Button
              variant="default"
              onClick={() => act.mutate(schedule.enabled ? 'pause' : 'resume')}
              loading={act.isPending}
            >
              {schedule.enabled ? 'Pause' : 'Resume'}
            </Button>
            <Button variant="default" component={Link} to={`/jobs/schedules/${id}/edit`}>
              Edit
            </Button>
            <Button variant="default" onClick={() => setLeaving(true)}>
              Delete
            </Button>
            <Button onClick={() => act.mutate('run')} loading={act.isPending}>
              Run now
            </Button>
          </>
        )
      }
    >
      <Card title="Schedule">
        <Facts
          items={[
            [
              'Cron',
              <code key="cron" className="mono">
                {schedule.schedule}
              </code>,
            ],
            ['Time zone', timezone],
            [
              'While a job of it runs',
              { allow: 'start another', forbid: 'skip the tick', replace: 'cancel it and start anew' }[
                schedule.concurrencyPolicy
              ],
            ],
            ['Ticks missed while the gateway was down', schedule.catchUp ? 'run once' : 'are passed over'],
            [
              'Template',
              schedule.templateId && (
                <Link
                  key="template"
                  to="/jobs/templates/$templateId"
                  params={{ templateId: schedule.templateId }}
                  className="text-link"
                >
                  …{schedule.templateId.slice(-8)}
                </Link>
              ),
            ],
            ['Image', schedule.config === null ? null : String(schedule.config.image ?? '')],
          ]}
        />
      </Card>
      <Card title="Next runs">
        {schedule.nextRuns.length === 0 ? (
          <Text size="sm" c="dimmed">
            None while it is paused.
          </Text>
        ) : (
          <ul className="plain-list">
            {schedule.nextRuns.map((at) => (
              <li key={at}>
                {timeIn(Date.parse(at), timezone)}{' '}
                <span className="dimmed">
                  <Ago at={at} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </Card>
      <Card title="Past runs">
        {schedule.lastRuns.length === 0 ? (
          <Text size="sm" c="dimmed">
            It has not run yet.
          </Text>
        ) : (
          <PlainTable label="Past runs" heads={['Due', 'Outcome', 'Job', 'Reason']}>
            {schedule.lastRuns.map(({ tick, outcome, jobId, reason }) => (
              <Table.Tr key={`${tick}${jobId}`}>
                <Table.Td>
                  <Ago at={tick} />
                </Table.Td>
                <Table.Td>
                  <StatusBadge status={outcome} />
                </Table.Td>
                <Table.Td className="mono">
                  {jobId === null ? (
                    '–'
                  ) : (
                    <Link to="/jobs/$jobId" params={{ jobId }} className="text-link">
                      …{jobId.slice(-8)}
                    </Link>
                  )}
                </Table.Td>
                <Table.Td>{reason}</Table.Td>
              </Table.Tr>
            ))}
          </PlainTable>
        )}
      </Card>
      <Confirm
        isOpen={isLeaving}
        title="Delete schedule"
        confirm="Delete"
        isDangerous
        onClose={() => setLeaving(false)}
        onConfirm={async () => {
          await client.schedules.delete(id)
          await navigate({ to: '/jobs/schedules' })
          await queryClient.invalidateQueries({ queryKey: ['schedules'] })
        }}
      >
        <Text size="sm">
          <strong>{name}</strong> is deleted, and its jobs go on.
        </Text>
      </Confirm>
    </Page>
  )
}
