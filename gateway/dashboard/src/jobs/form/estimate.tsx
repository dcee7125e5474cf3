import { Skeleton, Stack, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ValidationError } from '../../../../client/errors.ts'
import type { DryRun } from '../../../../client/index.ts'
import { JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { shownName } from '../../../../contract/names.ts'
import { client } from '../../app/client.ts'
import { gpuName, usd, usdExact } from '../../format/amounts.ts'
import { span } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { messageOf } from '../../ui/problem.tsx'
import type { Draft } from '../submission.ts'

/** How long nothing has to be typed before the gateway is asked, in ms. */
const PAUSE_MS = 500

/** Asks the network, without submitting anything, who would take a job. */
export function useEstimate(draft: Draft) {
  const [asked] = useDebouncedValue(JSON.stringify(draft), PAUSE_MS)
  const query = useQuery({
    queryKey: ['estimate', asked],
    queryFn: async ({ signal }) => await client.jobs.dryRun(JSON.parse(asked), { signal }),
    enabled: Boolean(draft.image),
    retry: false,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  })
  const fields = query.error instanceof ValidationError ? query.error.fields : []
  return { query, fields: draft.image ? fields : [] }
}

type Estimated = ReturnType<typeof useEstimate>['query']

/** What the job would cost, and with whom. */
export function Estimate({ query, draft }: { query: Estimated; draft: Draft }) {
  return (
    <Card title="Who would take it">
      <div aria-live="polite">
        <Answer query={query} draft={draft} />
      </div>
    </Card>
  )
}

function Answer({ query, draft }: { query: Estimated; draft: Draft }) {
  if (!draft.image) return <Hint>Give an image, and the network is asked what it would cost.</Hint>
  if (query.error instanceof ValidationError) return <Hint>Mend the marked fields to see who would take it.</Hint>
  if (query.isError) return <Hint>{messageOf(query.error)}</Hint>
  if (query.data === undefined) return <Skeleton height={60} />
  return <Quotes answer={query.data} duration={draft.duration ?? JOB_DEFAULTS.duration} />
}

function Quotes({ answer, duration }: { answer: DryRun; duration: number }) {
  const quotes = answer.quotes.toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1))
  const [best] = quotes
  if (quotes.length === 0) return <Hint>No provider is known to this gateway yet: start one with cortex agent.</Hint>
  return (
    <Stack gap="sm">
      {answer.accepted && best ? (
        <div>
          <Text size="xl" fw={650} lh={1.2}>
            {usdExact(best.cost)}
          </Text>
          <Text size="sm" c="dimmed">
            at most, for {span(duration)} and the grace after it
            {best.volumePerGbHour ? ' and for keeping its volumes' : ''}, with {shownName(best.name, best.provider)} (
            {usd(best.price)} per hour)
          </Text>
        </div>
      ) : (
        <Text size="sm" fw={600} className="bad-text">
          Nobody would take it now.
        </Text>
      )}
      <ul className="quotes">
        {quotes.slice(0, 8).map(({ provider, name, accepts, gpu, reason, ...terms }) => (
          <li key={provider}>
            <span>{shownName(name, provider)}</span>
            <span className={accepts ? '' : 'bad-text'}>{accepts ? priced(terms) : 'declines'}</span>
            <small>{gpu === null ? reason : `${gpuName(gpu)}; ${reason}`}</small>
          </li>
        ))}
      </ul>
    </Stack>
  )
}

function priced({
  price,
  minimumCharge,
  pricePerGb,
  volumePerGbHour,
}: Pick<DryRun['quotes'][number], 'price' | 'minimumCharge' | 'pricePerGb' | 'volumePerGbHour'>): string {
  const least = minimumCharge ? `, at least ${usd(minimumCharge)}` : ''
  const kept = volumePerGbHour ? `, ${usd(volumePerGbHour)} per GB-hour of its volumes afterwards` : ''
  return `${usd(price)} per hour${least}${pricePerGb ? `, ${usd(pricePerGb)} per GB of traffic` : ''}${kept}`
}

function Hint({ children }: { children: React.ReactNode }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  )
}
