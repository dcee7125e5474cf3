import { Alert, Button, Table, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { Schedule } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { between } from '../format/time.ts'
import { shortReason } from '../jobs/short-reason.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { failed, told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { NEVER, wordsOf } from './cron.ts'
import { scheduleQuery } from './queries.ts'
import { Tick } from './tick.tsx'

/** One schedule with its next and past runs. */
export function SchedulePage() {
  const { scheduleId } = useParams({ from: '/signed-in/jobs/schedules/$scheduleId' })
  const query = useQuery(scheduleQuery(scheduleId))
  return <Loaded query={query}>{(schedule) => <ScheduleDetails schedule={schedule} />}</Loaded>
}

function ScheduleDetails({ schedule }: { schedule: Schedule }) {
  const { name } = schedule
  const mayWrite = useMay('jobs:write')
  return (
    <Page
      title={name}
      badge={<StatusBadge status={schedule.enabled ? 'enabled' : 'paused'} />}
      description={wordsOf(schedule.schedule)}
      actions={mayWrite && <ScheduleActions schedule={schedule} />}
    >
      {schedule.disabledReason !== null && (
        <Alert color="red" variant="light" role="alert" title="It runs no more">
          The gateway paused it: {schedule.disabledReason}. Resume it to stand behind it yourself.
        </Alert>
      )}
      {schedule.enabled && schedule.nextRuns.length === 0 && (
        <Alert color="red" variant="light" role="alert" title="It will not run">
          {NEVER}
        </Alert>
      )}
      <ScheduleFacts schedule={schedule} />
      <NextRuns schedule={schedule} />
      <PastRuns runs={schedule.lastRuns} />
    </Page>
  )
}

function ScheduleActions({ schedule: { id, name, enabled } }: { schedule: Schedule }) {
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
    <>
      <Button variant="default" onClick={() => act.mutate(enabled ? 'pause' : 'resume')} loading={act.isPending}>
        {enabled ? 'Pause' : 'Resume'}
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
      <DeleteSchedule id={id} name={name} isOpen={isLeaving} onClose={() => setLeaving(false)} />
    </>
  )
}

function DeleteSchedule(props: { id: string; name: string; isOpen: boolean; onClose: () => void }) {
  const { id, name, isOpen, onClose } = props
  const navigate = useNavigate()
  return (
    <Confirm
      isOpen={isOpen}
      title="Delete schedule"
      confirm="Delete"
      isDangerous
      onClose={onClose}
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
  )
}

function ScheduleFacts({ schedule }: { schedule: Schedule }) {
  return (
    <Card title="Schedule">
      <Facts
        items={[
          [
            'Cron',
            <code key="cron" className="mono">
              {schedule.schedule}
            </code>,
          ],
          ['Time zone', schedule.timezone],
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
  )
}

function NextRuns({ schedule: { nextRuns, timezone, enabled } }: { schedule: Schedule }) {
  return (
    <Card title="Next runs">
      {nextRuns.length === 0 ? (
        <Text size="sm" c="dimmed">
          {enabled ? 'None.' : 'None while it is paused.'}
        </Text>
      ) : (
        <ul className="plain-list">
          {nextRuns.map((at) => (
            <li key={at}>
              <Tick at={Date.parse(at)} timezone={timezone} />{' '}
              <span className="dimmed">
                <Ago at={at} />
              </span>
            </li>
          ))}
        </ul>
      )}
    </Card>
  )
}

function PastRuns({ runs }: { runs: Schedule['lastRuns'] }) {
  return (
    <Card title="Past runs">
      {runs.length === 0 ? (
        <Text size="sm" c="dimmed">
          It has not run yet.
        </Text>
      ) : (
        <PlainTable label="Past runs" heads={['Due', 'Outcome', 'Job', 'Took', 'Reason']}>
          {runs.map(({ tick, outcome, jobId, reason, job }) => (
            <Table.Tr key={`${tick}${jobId}`}>
              <Table.Td>
                <Ago at={tick} />
              </Table.Td>
              <Table.Td>
                <StatusBadge status={job?.status ?? outcome} />
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
              <Table.Td className="nowrap">{tookOf(job)}</Table.Td>
              <Table.Td>{job?.error ? shortReason(job.error) : reason}</Table.Td>
            </Table.Tr>
          ))}
        </PlainTable>
      )}
    </Card>
  )
}

/** From the start of its container to its end. */
function tookOf(job: Schedule['lastRuns'][number]['job']): string {
  if (job === null || job.startedAt === null || job.endedAt === null) return '–'
  return between(Date.parse(job.startedAt), Date.parse(job.endedAt))
}
