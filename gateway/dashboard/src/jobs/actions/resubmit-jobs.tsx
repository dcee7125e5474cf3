import { Text } from '@mantine/core'
import { client } from '../../app/client.ts'
import { counted } from '../../format/amounts.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { each } from './many.ts'

interface ResubmitJobsProps {
  jobs: JobRow[]
  isOpen: boolean
  onClose(): void
  onDone(): void
}

/** Asks, then submits many jobs once more. */
export function ResubmitJobs({ jobs, isOpen, onClose, onDone }: ResubmitJobsProps) {
  const many = counted(jobs.length, 'job')

  async function resubmit(): Promise<void> {
    await each(jobs, async ({ id }) => await client.jobs.resubmit(id))
    told(`Submitted ${many} again`)
    onDone()
  }

  return (
    <Confirm
      isOpen={isOpen}
      title={`Resubmit ${many}`}
      confirm={`Resubmit ${many}`}
      dismiss="Do nothing"
      onConfirm={resubmit}
      onClose={onClose}
    >
      <Text size="sm">Each becomes a new job with the same settings, which costs what a job costs.</Text>
    </Confirm>
  )
}
