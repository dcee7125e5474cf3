import { Button, Checkbox, Group, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import type { Job } from '../../../../client/index.ts'
import { useMay } from '../../app/session.ts'
import { usdExact } from '../../format/amounts.ts'
import { between } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Page } from '../../ui/page.tsx'
import { PlainTable } from '../../ui/plain-table.tsx'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { SaveAsTemplate } from '../actions/save-as-template.tsx'
import { jobQuery, useProviderNames } from '../queries.ts'
import { shortReason } from '../short-reason.ts'
import { submissionOf } from '../submission.ts'
import { differencesOf } from './differences.ts'

/** Two jobs side by side: what each was asked for, and what came of it. */
export function ComparePage() {
  const { a, b } = useSearch({ from: '/signed-in/jobs/compare' })
  if (a === undefined || b === undefined) {
    return (
      <Page title="Compare jobs">
        <Empty
          icon="jobs"
          title="Choose two jobs"
          action={
            <Button component={Link} to="/jobs">
              To the jobs
            </Button>
          }
        >
          Tick two in the list, and compare them there.
        </Empty>
      </Page>
    )
  }
  return <Both key={`${a} ${b}`} a={a} b={b} />
}

function Both({ a, b }: { a: string; b: string }) {
  const [first, second] = [useQuery(jobQuery(a)), useQuery(jobQuery(b))]
  return (
    <Page title="Compare jobs" description="What each was asked for, and what came of it.">
      <Loaded query={first}>
        {(one) => <Loaded query={second}>{(other) => <Comparison jobs={[one, other]} />}</Loaded>}
      </Loaded>
    </Page>
  )
}

function Comparison({ jobs }: { jobs: [Job, Job] }) {
  const [one, other] = jobs
  const nameOf = useProviderNames()
  const [onlyDiffering, setOnlyDiffering] = useState(true)
  const settings = differencesOf(submissionOf(one), submissionOf(other))
  const differing = settings.filter(({ differs }) => differs).length
  const shown = onlyDiffering && differing > 0 ? settings.filter(({ differs }) => differs) : settings
  return (
    <Stack gap="md">
      <div className="compare-heads">
        <Head job={one} />
        <Head job={other} />
      </div>
      <Card
        title="Settings"
        actions={
          differing > 0 && (
            <Checkbox
              label="Only what differs"
              checked={onlyDiffering}
              onChange={(event) => setOnlyDiffering(event.currentTarget.checked)}
            />
          )
        }
      >
        {differing === 0 && (
          <Text size="sm" mb="sm">
            Both were asked for with the same settings.
          </Text>
        )}
        <PlainTable label="Settings" heads={['Setting', titleOf(one), titleOf(other)]}>
          {shown.map(({ field, values, differs }) => (
            <Table.Tr key={field} data-differs={differs || undefined}>
              <Table.Th scope="row" className="mono">
                {field}
              </Table.Th>
              {values.map((value, index) => (
                <Table.Td key={jobs[index]?.id} className="mono break">
                  {value ?? <span className="quiet">default</span>}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </PlainTable>
      </Card>
      <Card title="What came of it">
        <PlainTable
          label="What came of it"
          heads={[{ label: 'Outcome', isHidden: true }, titleOf(one), titleOf(other)]}
        >
          {outcomes(nameOf).map(([name, value]) => (
            <Table.Tr key={name}>
              <Table.Th scope="row">{name}</Table.Th>
              {jobs.map((job) => (
                <Table.Td key={job.id} className="break">
                  {value(job)}
                </Table.Td>
              ))}
            </Table.Tr>
          ))}
        </PlainTable>
      </Card>
    </Stack>
  )
}

function Head({ job }: { job: Job }) {
  const [isSaving, setSaving] = useState(false)
  const mayWrite = useMay('jobs:write')
  const mayKeep = useMay('templates:write')
  return (
    <Card>
      <Stack gap="xs">
        <Group gap="xs">
          <Link to="/jobs/$jobId" params={{ jobId: job.id }} className="text-link">
            <strong>{job.name ?? job.image}</strong> …{job.id.slice(-8)}
          </Link>
          <StatusBadge status={job.status} />
        </Group>
        <Group gap="xs">
          {mayWrite && (
            <Button
              size="xs"
              renderRoot={(props) => <Link {...props} to="/jobs/create" search={{ job: job.id }} />}
              aria-label={`Edit and Run: ${titleOf(job)}`}
            >
              Edit and Run
            </Button>
          )}
          {mayKeep && (
            <Button
              size="xs"
              variant="default"
              onClick={() => setSaving(true)}
              aria-label={`Save as Template: ${titleOf(job)}`}
            >
              Save as Template
            </Button>
          )}
        </Group>
      </Stack>
      <SaveAsTemplate job={job} isOpen={isSaving} onClose={() => setSaving(false)} />
    </Card>
  )
}

/** What tells two jobs apart that may be called the same. */
function titleOf({ name, image, id }: Job): string {
  return `${name ?? image} …${id.slice(-8)}`
}

function outcomes(nameOf: (id: string | null) => string): [name: string, value: (job: Job) => string][] {
  return [
    ['Status', ({ status, error }) => (error === null ? status : `${status}: ${shortReason(error)}`)],
    ['Exit code', ({ results }) => String(results.exitCode ?? '–')],
    ['Provider', ({ assignedProvider }) => nameOf(assignedProvider)],
    ['Attempts', ({ attempt, maxAttempts }) => `${attempt} of ${maxAttempts}`],
    ['Waited', ({ createdAt, scheduledAt }) => timeBetween(createdAt, scheduledAt)],
    ['Ran', ({ startedAt, endedAt }) => timeBetween(startedAt, endedAt)],
    ['Cost', ({ cost }) => usdExact(cost.final ?? cost.current)],
  ]
}

function timeBetween(from: string | null, to: string | null): string {
  return from === null || to === null ? '–' : between(Date.parse(from), Date.parse(to))
}
