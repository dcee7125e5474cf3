import { Text } from '@mantine/core'
import { ConflictError } from '../../../../client/errors.ts'
import { client } from '../../app/client.ts'
import { counted } from '../../format/amounts.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { MOST_AT_ONCE } from './all-that-match.ts'
import { eachOnce } from './many.ts'

interface CancelJobProps {
  jobs: JobRow[]
  isOpen: boolean
  onClose(): void
  onDone?(): void
}

/** Asks, then cancels one or many jobs. */
export function CancelJob({ jobs, isOpen, onClose, onDone }: CancelJobProps) {
  const [job] = jobs
  const isOne = jobs.length === 1
  const isTooMany = jobs.length > MOST_AT_ONCE

  async function cancel(): Promise<void> {
    await eachOnce(jobs, cancelOne)()
    told(isOne ? 'Cancelling the job' : `Cancelling ${jobs.length} jobs`)
    onDone?.()
  }

  return (
    <Confirm
      isOpen={isOpen}
      title={isOne ? 'Cancel Job' : `Cancel ${jobs.length} jobs`}
      confirm={isOne ? 'Cancel Job' : `Cancel ${jobs.length} jobs`}
      dismiss="Keep running"
      isDangerous
      isDisabled={isTooMany}
      onConfirm={cancel}
      onClose={onClose}
    >
      <Text size="sm">
        {isOne ? (
          <>
            <strong>{job?.name ?? job?.image}</strong> is stopped: its container gets the stop signal and, after its
            grace period, is killed. You pay for the time that it ran.
          </>
        ) : isTooMany ? (
          `No more than ${counted(MOST_AT_ONCE, 'job')} are cancelled at once: narrow the list down, e.g. by date.`
        ) : (
          'Each container gets the stop signal and, after its grace period, is killed. You pay for the time that they ran.'
        )}
      </Text>
    </Confirm>
  )
}

async function cancelOne({ id }: JobRow): Promise<void> {
  try {
    await client.jobs.cancel(id)
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error // it has ended meanwhile, which is as good
  }
}
