import { Select } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Job } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { shownText } from '../../format/shown-text.ts'
import { exact } from '../../format/time.ts'

/** Jobs that are looked through for outputs, newest first. */
const LOOKED_THROUGH = 100

type Ended = Pick<Job, 'id' | 'image' | 'endedAt' | 'results'>

/** The last own jobs that left an output, to choose one. */
export function JobChoice({ name, onChoose }: { name: string; onChoose(id: string): void }) {
  const { data, isError, isPending } = useQuery({
    queryKey: ['jobs', 'with output'],
    queryFn: async ({ signal }) => {
      const { items } = await client.jobs.list(
        {
          status: ['completed', 'failed', 'cancelled'],
          limit: LOOKED_THROUGH,
          fields: ['id', 'image', 'endedAt', 'results'],
        },
        { signal },
      )
      return (items as Ended[]).filter(({ results }) => results.outputUrl !== null)
    },
    staleTime: 10_000,
  })
  const jobs = data ?? []
  const none = isError
    ? 'The jobs cannot be listed: give an id'
    : `None of the last ${LOOKED_THROUGH} jobs left an output`
  return (
    <Select
      aria-label={`Choose a job for ${name}`}
      placeholder={isPending ? '…' : jobs.length === 0 ? none : 'or choose one that left an output'}
      data={jobs.map(({ id, image, endedAt }) => ({
        value: id,
        label: `${shownText(image, 60)}, …${id.slice(-8)}${endedAt === null ? '' : `, ${exact(endedAt)}`}`,
      }))}
      value={null}
      disabled={jobs.length === 0}
      searchable
      size="xs"
      mt={4}
      onChange={(id) => {
        if (id !== null) onChoose(id)
      }}
    />
  )
}
