import { Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { AttemptCost } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { bytes, usd, usdExact } from '../../format/amounts.ts'
import { exact, span } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Facts } from '../../ui/facts.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { jobKeys, useProviderNames } from '../queries.ts'

/** What each attempt cost, with what both sides signed of it. */
export function Receipts({ id }: { id: string }) {
  const query = useQuery({
    queryKey: jobKeys.receipts(id),
    queryFn: async ({ signal }) => await client.jobs.receipts(id, { signal }),
  })
  return (
    <Loaded query={query}>
      {(attempts) =>
        attempts.length === 0 ? (
          <Card title="Receipt">
            <Text size="sm" c="dimmed">
              There is none: no provider had it.
            </Text>
          </Card>
        ) : (
          attempts.map((one) => <Receipt key={one.attempt} attempt={one} isOnly={attempts.length === 1} />)
        )
      }
    </Loaded>
  )
}

function Receipt({ attempt, isOnly }: { attempt: AttemptCost; isOnly: boolean }) {
  const nameOf = useProviderNames()
  const { receipt } = attempt
  return (
    <Card title={isOnly ? 'Receipt' : `Receipt of attempt ${attempt.attempt}`}>
      <Facts
        items={[
          ['Provider', nameOf(attempt.provider)],
          ['Metered', span(attempt.meteredSeconds)],
          ['Price', `${usd(attempt.pricePerHour)} per hour`],
          ['At least', attempt.minimumCharge > 0 ? usd(attempt.minimumCharge) : null],
          ['Traffic', attempt.networkBytes > 0 ? bytes(attempt.networkBytes) : null],
          ['Price of traffic', attempt.pricePerGb > 0 ? `${usd(attempt.pricePerGb)} per GB` : null],
          ['Cost', usdExact(attempt.cost)],
          ['Outcome', receipt?.outcome ?? attempt.outcome],
          ['Ended', receipt && exact(receipt.endedAt)],
          ['Signed by', receipt === null ? 'nobody' : 'provider and requester'],
          [
            'Check it offline',
            receipt && (
              <code key="c" className="mono">
                cortex receipt verify
              </code>
            ),
          ],
        ]}
      />
    </Card>
  )
}
