import { Button, Group, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { extensionWords } from '../../../../contract/extension-words.ts'
import { client } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { span } from '../../format/time.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { DurationInput } from '../../ui/duration-input.tsx'
import { told } from '../../ui/notify.ts'
import { Problem } from '../../ui/problem.tsx'
import type { JobRow } from '../job-row.ts'
import { jobKeys } from '../queries.ts'

const PRESETS = [600, 1800, 3600, 6 * 3600]
const TYPING_MS = 200

/** Gives a job more time; its price and its new end are there before one agrees. */
export function ExtendDuration({ job, isOpen, onClose }: { job: JobRow; isOpen: boolean; onClose(): void }) {
  const [seconds = 0, setSeconds] = useState<number | undefined>(1800)
  const [asked] = useDebouncedValue(seconds, TYPING_MS)
  const estimate = useQuery({
    queryKey: ['jobs', 'extension', job.id, job.duration, asked],
    queryFn: async ({ signal }) => await client.jobs.extension(job.id, asked, { signal }),
    enabled: isOpen && asked >= 1,
    retry: false,
  })
  const isTold = asked === seconds && estimate.data !== undefined

  async function extend(): Promise<void> {
    const changed = await client.jobs.extend(job.id, seconds)
    queryClient.setQueryData(jobKeys.one(job.id), (old: object | undefined) => old && { ...old, ...changed })
    told(`Extended by ${span(seconds)}`)
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Extend Duration"
      confirm="Extend Duration"
      dismiss="Leave as it is"
      isDisabled={!isTold}
      onConfirm={extend}
      onClose={onClose}
    >
      <Text size="sm">
        It may run for {span(job.duration ?? 0)} in all now. The provider has to agree, and not all of them extend.
      </Text>
      <DurationInput label="Additional time" value={seconds === 0 ? undefined : seconds} onChange={setSeconds} />
      <Group gap="xs">
        {PRESETS.map((preset) => (
          <Button key={preset} size="compact-xs" variant="default" onClick={() => setSeconds(preset)}>
            {span(preset)}
          </Button>
        ))}
      </Group>
      <Text size="sm" aria-live="polite" className="extension">
        {isTold && estimate.data !== undefined ? extensionWords(estimate.data) : seconds >= 1 ? 'What it costs …' : ''}
      </Text>
      {asked >= 1 && estimate.isError && <Problem error={estimate.error} onRetry={() => void estimate.refetch()} />}
    </Confirm>
  )
}
