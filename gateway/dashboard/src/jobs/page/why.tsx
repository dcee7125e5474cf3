import { Group, Stack, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { Job } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { useMay } from '../../app/session.ts'
import { counted } from '../../format/amounts.ts'
import { relative } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { useNow } from '../../ui/time.tsx'
import { jobKeys } from '../queries.ts'
import { Quotes } from '../quotes.tsx'
import { useRemedy } from '../remedies.ts'

/** How often providers are asked again while the job waits, in ms: those that would take it hold room for it meanwhile. */
const AGAIN_MS = 60_000
/** A job that is taken at once needs no reason, in ms. */
const PATIENCE_MS = 2_000

/** Codes with which a job ends that nobody took. */
const NOT_TAKEN = ['NO_PROVIDER', 'RESOURCE_LIMIT_EXCEEDED']

/** Why nobody takes a job, or took it: who was asked, who declined, and what would help. */
export function Why({ job }: { job: Job }) {
  const now = useNow()
  const mayAsk = useMay('jobs:write')
  const waits = job.status === 'pending'
  const hasWaited = now - Date.parse(job.createdAt) > PATIENCE_MS
  const wasNotTaken = job.status === 'failed' && job.scheduledAt === null && NOT_TAKEN.includes(job.error?.code ?? '')
  if (!(waits && hasWaited) && !wasNotTaken) return null
  return (
    <Card title={waits ? 'Why it waits' : 'Who would take it now'}>
      <Stack gap="sm">
        {waits && <Waits job={job} now={now} isAsked={mayAsk} />}
        {mayAsk && <Asked job={job} />}
      </Stack>
    </Card>
  )
}

/** How long it may wait yet; and why it does, where nobody is asked anew. */
function Waits({ job: { waiting }, now, isAsked }: { job: Job; now: number; isAsked: boolean }) {
  if (waiting === undefined) {
    return (
      <Text size="sm" c="dimmed">
        No provider is looked for: it waits for its turn.
      </Text>
    )
  }
  const { givesUpAt, answered, nearest } = waiting
  return (
    <Group gap="xs" component="div" className="small">
      <span>
        {answered === 0 ? 'Nobody has answered yet.' : `${counted(answered, 'provider')} answered, and none took it.`}
      </span>
      <span>
        It gives up <strong title={givesUpAt}>{relative(Date.parse(givesUpAt), now)}</strong>.
      </span>
      {!isAsked && nearest !== null && <span className="break">{nearest.message}</span>}
    </Group>
  )
}

function Asked({ job }: { job: Job }) {
  const waits = job.status === 'pending'
  const { take, isBusy } = useRemedy(job)
  const query = useQuery({
    queryKey: jobKeys.why(job.id),
    queryFn: async ({ signal }) => await client.jobs.why(job.id, { signal }),
    refetchInterval: waits ? AGAIN_MS : false,
    retry: false,
  })
  return (
    <Loaded query={query}>
      {(answer) => (
        <Quotes
          answer={answer}
          duration={job.duration}
          onTake={take}
          thenWhat={waits ? '' : ' and run'}
          isBusy={isBusy}
        />
      )}
    </Loaded>
  )
}
