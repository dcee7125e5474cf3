import { Alert, Button, Group, Menu, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useRef } from 'react'
import type { Job } from '../../../../client/index.ts'
import { secondsLeft } from '../../../../contract/cost.ts'
import { useMay } from '../../app/session.ts'
import { detail } from '../../format/details.ts'
import { span } from '../../format/time.ts'
import { Copy } from '../../ui/copy.tsx'
import { Icon } from '../../ui/icons.tsx'
import { Loaded, Outline } from '../../ui/loaded.tsx'
import { Page } from '../../ui/page.tsx'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { Ago, useNow } from '../../ui/time.tsx'
import { useJobActions } from '../actions/job-actions.tsx'
import { Cost } from '../cost.tsx'
import { jobQuery } from '../queries.ts'
import { remedyText, useRemedy } from '../remedies.ts'
import { Bids } from './bids.tsx'
import { JobEvents } from './job-events.tsx'
import { Overview } from './overview.tsx'

const Logs = lazy(async () => ({ default: (await import('../logs/logs.tsx')).Logs }))
const Outputs = lazy(async () => ({ default: (await import('./outputs.tsx')).Outputs }))
const Files = lazy(async () => ({ default: (await import('./files.tsx')).Files }))
const Terminal = lazy(async () => ({ default: (await import('../terminal/terminal.tsx')).Terminal }))
const Metrics = lazy(async () => ({ default: (await import('./metrics.tsx')).Metrics }))

/** Tabs that take the whole height, and scroll by themselves. */
const FILLED = ['logs', 'terminal']

/** Everything about one job. */
export function JobPage() {
  const { jobId } = useParams({ from: '/signed-in/jobs/$jobId' })
  const query = useQuery(jobQuery(jobId))
  return <Loaded query={query}>{(job) => <JobDetails key={job.id} job={job} />}</Loaded>
}

function JobDetails({ job }: { job: Job }) {
  const search = useSearch({ from: '/signed-in/jobs/$jobId' })
  const { tab = 'overview' } = search
  const navigate = useNavigate()
  const menu = useRef<HTMLButtonElement>(null)
  const { items, dialogs, open, isOver, mayWrite } = useJobActions(job, menu)
  return (
    <Page
      title={job.name ?? job.image}
      badge={<StatusBadge status={job.status} />}
      isFilled={FILLED.includes(tab)}
      description={<Numbers job={job} />}
      actions={
        <>
          {!isOver && mayWrite && (
            <Button variant="default" onClick={() => open('extend')}>
              Extend Duration
            </Button>
          )}
          <Menu position="bottom-end" withinPortal>
            <Menu.Target>
              <Button ref={menu} variant="default" rightSection={<Icon name="dots" size={16} />}>
                Actions
              </Button>
            </Menu.Target>
            <Menu.Dropdown>{items}</Menu.Dropdown>
          </Menu>
        </>
      }
    >
      {job.error !== null && <Failure job={job} />}
      <Tabs
        value={tab}
        onChange={(next) =>
          void navigate({
            to: '/jobs/$jobId',
            params: { jobId: job.id },
            search: { ...search, tab: next === null || next === 'overview' ? undefined : next },
            replace: true,
          })
        }
        keepMounted={false}
        className={FILLED.includes(tab) ? 'tabs tabs-filled' : 'tabs'}
      >
        <Tabs.List className="tabs-list">
          <Tabs.Tab value="overview">Overview</Tabs.Tab>
          <Tabs.Tab value="logs">Logs</Tabs.Tab>
          <Tabs.Tab value="metrics">Metrics</Tabs.Tab>
          <Tabs.Tab value="events">Events</Tabs.Tab>
          <Tabs.Tab value="bids">Bids</Tabs.Tab>
          <Tabs.Tab value="outputs">Outputs</Tabs.Tab>
          {(job.status === 'running' || tab === 'files') && <Tabs.Tab value="files">Files</Tabs.Tab>}
          {(job.status === 'running' || tab === 'terminal') && <Tabs.Tab value="terminal">Terminal</Tabs.Tab>}
        </Tabs.List>
        <Suspense fallback={<Outline />}>
          <Tabs.Panel value="overview">
            <Overview job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="logs" className="tabs-panel-filled">
            <Logs job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="metrics">
            <Metrics job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="events">
            <JobEvents job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="bids">
            <Bids job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="outputs">
            <Outputs job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="files">
            <Files job={job} />
          </Tabs.Panel>
          <Tabs.Panel value="terminal" className="tabs-panel-filled">
            <Terminal job={job} />
          </Tabs.Panel>
        </Suspense>
      </Tabs>
      {dialogs}
    </Page>
  )
}

function Numbers({ job }: { job: Job }) {
  const now = useNow()
  const left = secondsLeft(job, now)
  return (
    <Group gap="xs" className="numbers">
      <Group gap={2} wrap="nowrap">
        <span className="mono">{job.id}</span>
        <Copy text={job.id} what="job id" />
      </Group>
      <span>
        created <Ago at={job.createdAt} />
      </span>
      <span>
        cost{' '}
        <strong>
          <Cost job={job} />
        </strong>
      </span>
      {left !== null && (
        <span>
          time left <strong>{span(left)}</strong>
        </span>
      )}
      {job.origin.resubmittedFrom !== undefined && (
        <span>
          <Link to="/jobs/$jobId" params={{ jobId: job.origin.resubmittedFrom }} className="text-link">
            resubmitted from …{job.origin.resubmittedFrom.slice(-8)}
          </Link>
          ,{' '}
          <Link to="/jobs/compare" search={{ a: job.origin.resubmittedFrom, b: job.id }} className="text-link">
            compare
          </Link>
        </span>
      )}
    </Group>
  )
}

function Failure({ job }: { job: Job }) {
  const { id, error } = job
  const mayWrite = useMay('jobs:write')
  const { take, isBusy } = useRemedy(job)
  if (error === null) return null
  const { change } = error
  return (
    <Alert color="red" variant="light" title={error.message} role="alert">
      <Text size="sm">{error.remedy}</Text>
      {mayWrite && (
        <Group gap="xs" mt={8}>
          {change !== null && (
            <Button size="xs" loading={isBusy} onClick={() => take(change)} className="remedy-button">
              {remedyText(change.text)} and run
            </Button>
          )}
          <Button
            size="xs"
            variant="default"
            renderRoot={(props) => <Link {...props} to="/jobs/create" search={{ job: id }} />}
          >
            Edit and Run
          </Button>
        </Group>
      )}
      <Group gap="xs" mt={6}>
        <code className="mono">{error.code}</code>
        <span className="mono">{detail('fault', error.fault)}</span>
        {Object.entries(error.details).map(([name, value]) => (
          <span key={name} className="mono">
            {detail(name, value)}
          </span>
        ))}
        <Link to="/jobs/$jobId" params={{ jobId: id }} search={{ tab: 'logs' }} className="text-link small">
          See the logs
        </Link>
      </Group>
    </Alert>
  )
}
