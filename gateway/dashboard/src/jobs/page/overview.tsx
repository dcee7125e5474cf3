import { Stack } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { Job, JobSubmission } from '../../../../client/index.ts'
import { hasEnded } from '../../../../contract/job-status.ts'
import { bytes, cores, usdExact } from '../../format/amounts.ts'
import { span } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Copy } from '../../ui/copy.tsx'
import { Facts } from '../../ui/facts.tsx'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { useProviderNames } from '../queries.ts'
import { submissionOf } from '../submission.ts'
import { Endpoints } from './endpoints.tsx'
import { Inputs } from './inputs.tsx'
import { Receipts } from './receipts.tsx'
import { Timeline } from './timeline.tsx'
import { Why } from './why.tsx'

/** What was asked of the GPUs, a word each. */
function gpuWords({ gpuRequirements: asked }: Job['config']): string[] {
  if (typeof asked !== 'object' || asked === null) return []
  return Object.entries(asked).map(([name, value]) => `${name} ${Array.isArray(value) ? value.join(' or ') : value}`)
}

/** Where the image comes from, where no registry has it. */
function sentImageOf({ config }: Job): string | null {
  const { imageFrom } = config as Pick<JobSubmission, 'imageFrom'>
  return imageFrom === undefined ? null : `sent, ${imageFrom.upload.slice(0, 19)}…`
}

/** How far it is, where it runs, and what it was asked for. */
export function Overview({ job }: { job: Job }) {
  const nameOf = useProviderNames()
  const text = JSON.stringify(submissionOf(job), null, 2)
  return (
    <Stack gap="md">
      <Card title="Timeline">
        <Timeline job={job} />
      </Card>
      <Why job={job} />
      {job.endpoints.length > 0 && <Endpoints job={job} />}
      <Inputs job={job} />
      <Card title="Details">
        <Facts
          items={[
            [
              'Provider',
              job.assignedProvider && (
                <Link to="/network/$providerId" params={{ providerId: job.assignedProvider }} className="text-link">
                  {nameOf(job.assignedProvider)}
                </Link>
              ),
            ],
            ['CPU', cores(job.cpu)],
            ['Memory', bytes(job.memory)],
            ['Storage', bytes(job.storage)],
            ['GPUs', job.gpu > 0 ? [job.gpu, ...gpuWords(job.config)].join(', ') : null],
            ['Image', sentImageOf(job) ?? (job.name === null ? null : job.image)],
            ['Platform', typeof job.config['platform'] === 'string' ? job.config['platform'] : null],
            ['Isolation', typeof job.config['isolation'] === 'string' ? job.config['isolation'] : null],
            ['Longest duration', span(job.duration)],
            ['Cost at most', usdExact(job.cost.projected)],
            ['Its provider claims', job.cost.claimed && `${usdExact(job.cost.claimed)}, which was not signed`],
            ['Attempt', `${job.attempt} of ${job.maxAttempts}`],
            ['Health', job.health && <StatusBadge status={job.health} />],
            ['Exit code', job.results.exitCode],
            ['Log', job.results.logProblem ?? null],
            [
              'Labels',
              Object.entries(job.labels)
                .map(([key, value]) => `${key}=${value}`)
                .join(', '),
            ],
            [
              'Kept volumes',
              job.results.volumes?.map(({ id, mountPath }) => (
                <div key={id}>
                  <code className="mono">{id}</code> <Copy text={id} what="volume id" /> at {mountPath}
                </div>
              )),
            ],
            [
              'Batch',
              job.origin.batch && (
                <Link to="/jobs/batches/$batchId" params={{ batchId: job.origin.batch }} className="text-link">
                  …{job.origin.batch.slice(-8)}
                </Link>
              ),
            ],
            [
              'Schedule',
              job.origin.schedule && (
                <Link
                  to="/jobs/schedules/$scheduleId"
                  params={{ scheduleId: job.origin.schedule }}
                  className="text-link"
                >
                  …{job.origin.schedule.slice(-8)}
                </Link>
              ),
            ],
          ]}
        />
      </Card>
      {hasEnded(job.status) && <Receipts id={job.id} />}
      <Card title="As submitted" actions={<Copy text={text} what="configuration" />}>
        <pre className="code">{text}</pre>
      </Card>
    </Stack>
  )
}
