import { Button, Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import type { DryRun, Remedy } from '../../../client/index.ts'
import { shownName } from '../../../contract/names.ts'
import { gpuName, usd, usdExact } from '../format/amounts.ts'
import { span } from '../format/time.ts'
import { remedyText } from './remedies.ts'

/** Those that are shown; the others are no better. */
const MOST = 8

interface QuotesProps {
  answer: DryRun
  /** Seconds. */
  duration: number
  /** Takes up a change that helps; not there for whoever may change nothing. */
  onTake?: ((remedy: Remedy) => void) | undefined
  /** What taking it up does beside that. @default nothing more is said */
  thenWhat?: string
  isBusy?: boolean
}

/** What providers say to a job: who would take it at what price, or who came nearest, who declined and why, and what would help. */
export function Quotes({ answer, duration, onTake, thenWhat = '', isBusy = false }: QuotesProps) {
  const quotes = answer.quotes.toSorted((a, b) => (b.score ?? -1) - (a.score ?? -1))
  const [best] = quotes
  const { nearest, helps } = answer
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
        <div>
          <Text size="sm" fw={600} className="bad-text">
            Nobody would take it now.
          </Text>
          {nearest !== null && (
            <Text size="sm" className="break">
              {nearest.message.replace(/[.\s]*$/, '.')}{' '}
              {helps.length === 0 && nearest.details.reason !== 'no-provider-known' && nearest.remedy}
            </Text>
          )}
        </div>
      )}
      {nearest?.details.reason === 'no-provider-known' && (
        <Text size="sm" c="dimmed">
          No provider is known to this gateway yet: the{' '}
          <Link to="/network" className="text-link">
            network page
          </Link>{' '}
          says how to start one.
        </Text>
      )}
      {helps.length > 0 && (
        <div>
          <Text size="sm" fw={600} mb={6}>
            It would be taken with one of these
          </Text>
          <Helps helps={helps} onTake={onTake} thenWhat={thenWhat} isBusy={isBusy} />
        </div>
      )}
      {quotes.length > 0 && (
        <ul className="quotes" aria-label="Who was asked">
          {quotes.slice(0, MOST).map(({ provider, name, accepts, gpu, reason, ...terms }) => (
            <li key={provider}>
              <span>{shownName(name, provider)}</span>
              <span className={accepts ? '' : 'bad-text'}>{accepts ? priced(terms) : 'declines'}</span>
              <small>{gpu === null ? reason : `${gpuName(gpu)}; ${reason}`}</small>
            </li>
          ))}
        </ul>
      )}
      {quotes.length > MOST && (
        <Text size="xs" c="dimmed">
          and {quotes.length - MOST} more
        </Text>
      )}
    </Stack>
  )
}

/** Changes that help, a button each where they can be made. */
function Helps({
  helps,
  onTake,
  thenWhat,
  isBusy,
}: Required<Omit<QuotesProps, 'answer' | 'duration'>> & { helps: Remedy[] }) {
  if (onTake === undefined) {
    return (
      <ul className="plain-list">
        {helps.map(({ text }) => (
          <li key={text}>{remedyText(text)}</li>
        ))}
      </ul>
    )
  }
  return (
    <Group gap="xs">
      {helps.map((remedy) => (
        <Button
          key={remedy.text}
          size="xs"
          variant="light"
          disabled={isBusy}
          onClick={() => onTake(remedy)}
          className="remedy-button"
        >
          {remedyText(remedy.text)}
          {thenWhat}
        </Button>
      ))}
    </Group>
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
