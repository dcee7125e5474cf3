import { Skeleton, Text } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { ValidationError } from '../../../../client/errors.ts'
import { JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { client } from '../../app/client.ts'
import { Card } from '../../ui/card.tsx'
import { messageOf } from '../../ui/problem.tsx'
import { Quotes } from '../quotes.tsx'
import { type Draft, withChanges } from '../submission.ts'
import type { DraftEditor } from './use-draft.ts'

/** How long nothing has to be typed before the gateway is asked, in ms. */
const PAUSE_MS = 500

/** Asks the network, without submitting anything, who would take a job. @param secrets names of those that go along unseen */
export function useEstimate(draft: Draft, secrets: string[]) {
  const wanted = JSON.stringify(withSecrets(draft, secrets))
  const [asked] = useDebouncedValue(wanted, PAUSE_MS)
  const query = useQuery({
    queryKey: ['estimate', asked],
    queryFn: async ({ signal }) => await client.jobs.dryRun(JSON.parse(asked), { signal }),
    enabled: Boolean(draft.image),
    retry: false,
    placeholderData: keepPreviousData,
    staleTime: 10_000,
  })
  const fields = query.error instanceof ValidationError ? query.error.fields : []
  return { query, fields: draft.image ? fields : [], isBehind: asked !== wanted || query.isPlaceholderData }
}

/** What else names them would be wrong without; their values are nobody's to ask. */
function withSecrets(draft: Draft, names: string[]): Draft {
  if (names.length === 0) return draft
  return { ...draft, secrets: { ...Object.fromEntries(names.map((name) => [name, ''])), ...draft.secrets } }
}

interface EstimateProps {
  query: ReturnType<typeof useEstimate>['query']
  /** Whether what is said is of an earlier draft: what helped that may not help this. */
  isBehind: boolean
  editor: DraftEditor
}

/** What the job would cost, and with whom. */
export function Estimate(props: EstimateProps) {
  return (
    <Card title="Who would take it">
      <div aria-live="polite">
        <Answer {...props} />
      </div>
    </Card>
  )
}

function Answer({ query, isBehind, editor }: EstimateProps) {
  const { draft } = editor
  if (!draft.image) return <Hint>Give an image, and the network is asked what it would cost.</Hint>
  if (query.error instanceof ValidationError) return <Hint>Mend the marked fields to see who would take it.</Hint>
  if (query.isError) return <Hint>{messageOf(query.error)}</Hint>
  if (query.data === undefined) return <Skeleton height={60} />
  return (
    <Quotes
      answer={query.data}
      duration={draft.duration ?? JOB_DEFAULTS.duration}
      onTake={({ changes }) => editor.replace(withChanges(draft, changes))}
      isBusy={isBehind || editor.textProblem !== null}
    />
  )
}

function Hint({ children }: { children: React.ReactNode }) {
  return (
    <Text size="sm" c="dimmed">
      {children}
    </Text>
  )
}
