import { Button, Stack, Text } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { client } from '../../app/client.ts'
import { counted } from '../../format/amounts.ts'
import { JoinCommand } from '../../network/join-command.tsx'
import { Card } from '../../ui/card.tsx'
import { Icon } from '../../ui/icons.tsx'
import { failed } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { useProviders } from '../queries.ts'

/** Small enough for any provider, and a log to look at. */
const EXAMPLE = {
  name: 'first-job',
  image: 'busybox:1.36',
  command: ['sh', '-c'],
  args: ['echo "Hello from $(hostname)"; for i in 1 2 3; do echo "step $i of 3"; sleep 1; done; echo done'],
  ...{ cpu: 100, memory: '32Mi', storage: '32Mi', duration: 60 },
}

/** From nothing to the first log, a step after the other. */
export function FirstSteps({ rows }: { rows: readonly JobRow[] }) {
  const navigate = useNavigate()
  const { data: providers } = useProviders()
  const online = providers?.filter(({ status }) => status === 'online').length ?? 0
  const [latest] = rows
  const submit = useMutation({
    mutationFn: async () => await client.jobs.submit(EXAMPLE),
    onSuccess: async ({ id }) => await navigate({ to: '/jobs/$jobId', params: { jobId: id }, search: { tab: 'logs' } }),
    onError: (error) => failed('Could not submit it', error),
  })
  return (
    <Card title={latest === undefined ? 'Your first job' : 'Until your first job is done'}>
      <ol className="steps">
        <Step title="A provider is online" isDone={online > 0} doneText={counted(online, 'provider')}>
          {providers !== undefined && online === 0 && <JoinCommand />}
        </Step>
        <Step title="A job is submitted" isDone={latest !== undefined} doneText={latest?.name ?? latest?.image}>
          <Text size="sm" c="dimmed">
            A job is a container image that runs on somebody’s machine: the providers bid for it, and the best offer
            gets it. The example says hello, and costs a fraction of a cent.
          </Text>
          <div className="step-actions">
            <Button
              size="sm"
              onClick={() => submit.mutate()}
              loading={submit.isPending}
              disabled={providers !== undefined && online === 0}
            >
              Run the example
            </Button>
            <Button size="sm" variant="default" component={Link} to="/jobs/create">
              Create Job
            </Button>
          </div>
        </Step>
        <Step title="Its log is here" isDone={false}>
          {latest !== undefined && <LatestLog job={latest} />}
        </Step>
      </ol>
    </Card>
  )
}

function LatestLog({ job: { id, status, error } }: { job: JobRow }) {
  return (
    <Text size="sm" component="div">
      {status === 'failed' ? `The last one failed: ${error?.message ?? ''} ${error?.remedy ?? ''} ` : ''}
      <Link
        to="/jobs/$jobId"
        params={{ jobId: id }}
        search={status === 'failed' ? {} : { tab: 'logs' }}
        className="text-link"
      >
        {status === 'failed' ? 'See why, and run it again' : 'Open its log'}
      </Link>
    </Text>
  )
}

interface StepProps {
  title: string
  isDone: boolean
  doneText?: string | undefined
  children?: ReactNode
}

/** What there is to do shows until it is done. */
function Step({ title, isDone, doneText, children }: StepProps) {
  return (
    <li data-done={isDone || undefined}>
      <span className="step-mark" aria-hidden="true">
        {isDone && <Icon name="check" size={14} />}
      </span>
      <Stack gap={6} align="stretch" className="step-body">
        <strong>
          {title}
          {isDone && <span className="sr-only"> (done)</span>}
        </strong>
        {isDone ? (
          <Text size="sm" c="dimmed">
            {doneText}
          </Text>
        ) : (
          children
        )}
      </Stack>
    </li>
  )
}
