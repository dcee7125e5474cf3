import { Text } from '@mantine/core'
import { useMemo } from 'react'
import { newIdempotencyKey } from '../../../../client/resource.ts'
import { client } from '../../app/client.ts'
import { counted } from '../../format/amounts.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { eachOnce } from './many.ts'

/** Jobs that are submitted again at once: more may be more than somebody meant to pay for. */
const MOST_RESUBMITTED = 500

interface ResubmitJobsProps {
  /** The same array for as long as the dialog is open. */
  jobs: JobRow[]
  isOpen: boolean
  onClose(): void
  /** Told of each that was submitted. */
  onDone(id: string): void
}

/** Asks, then submits many jobs once more. */
export function ResubmitJobs({ jobs, isOpen, onClose, onDone }: ResubmitJobsProps) {
  const many = counted(jobs.length, 'job')
  const isTooMany = jobs.length > MOST_RESUBMITTED
  const submit = useMemo(() => {
    const keyed = jobs.map(({ id }) => ({ id, idempotencyKey: newIdempotencyKey() }))
    return eachOnce(keyed, async ({ id, idempotencyKey }) => {
      await client.jobs.resubmit(id, {}, { idempotencyKey })
      onDone(id)
    })
  }, [jobs, onDone])

  async function resubmit(): Promise<void> {
    await submit()
    told(`Submitted ${many} again`)
  }

  return (
    <Confirm
      isOpen={isOpen}
      title={`Resubmit ${many}`}
      confirm={`Resubmit ${many}`}
      dismiss="Do nothing"
      isDisabled={isTooMany}
      onConfirm={resubmit}
      onClose={onClose}
    >
      <Text size="sm">
        {isTooMany
          ? `No more than ${counted(MOST_RESUBMITTED, 'job')} are submitted again at once: select fewer, or narrow the list down.`
          : 'Each becomes a new job with the same settings, which costs what a job costs.'}
      </Text>
    </Confirm>
  )
}
