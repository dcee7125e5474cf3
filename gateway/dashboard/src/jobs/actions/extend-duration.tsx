import { Button, Group, Text } from '@mantine/core'
import { useState } from 'react'
import { client } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { span } from '../../format/time.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { DurationInput } from '../../ui/duration-input.tsx'
import { told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'

const PRESETS = [600, 1800, 3600, 6 * 3600]

/** Gives a job more time. */
export function ExtendDuration({ job, isOpen, onClose }: { job: JobRow; isOpen: boolean; onClose(): void }) {
  const [seconds, setSeconds] = useState<number | undefined>(1800)

  async function extend(): Promise<void> {
    const changed = await client.jobs.extend(job.id, seconds ?? 0)
    queryClient.setQueryData(jobKeys.one(job.id), (old: object | undefined) => old && { ...old, ...changed })
    told(`Extended by ${span(seconds ?? 0)}`)
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Extend Duration"
      confirm="Extend Duration"
      dismiss="Leave as it is"
      isDisabled={seconds === undefined || seconds < 1}
      onConfirm={extend}
      onClose={onClose}
    >
      <Text size="sm">
        It may run for {span(job.duration ?? 0)} in all now. The provider has to agree, and not all of them extend.
      </Text>
      <DurationInput label="Additional time" value={seconds} onChange={setSeconds} />
      <Group gap="xs">
        {PRESETS.map((preset) => (
          <Button key={preset} size="compact-xs" variant="default" onClick={() => setSeconds(preset)}>
            {span(preset)}
          </Button>
        ))}
      </Group>
    </Confirm>
  )
}
