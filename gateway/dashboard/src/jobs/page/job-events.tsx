import { Table } from '@mantine/core'
import type { Job, JobEvent } from '../../../../client/index.ts'
import { detail } from '../../format/details.ts'
import { between, exact } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { PlainTable } from '../../ui/plain-table.tsx'
import { Ago } from '../../ui/time.tsx'
import { useProviderNames } from '../queries.ts'

const WORDS: Record<string, string> = {
  created: 'Created',
  bidding: 'Asked the network for bids',
  scheduled: 'A provider accepted it',
  pulling: 'The image is pulled',
  transferring: 'What it brings is sent',
  started: 'The container started',
  extended: 'Its duration was extended',
  expired: 'It reached its duration',
  regained: 'Its provider came back',
  lost: 'The provider was lost',
  completed: 'Completed',
  failed: 'Failed',
  cancelled: 'Cancelled',
}

/** What happened to the job, newest first. */
export function JobEvents({ job }: { job: Job }) {
  const nameOf = useProviderNames()
  const events = (job.events ?? []).toReversed()
  const firstMs = Date.parse(job.createdAt)
  return (
    <Card>
      <PlainTable label="Events" heads={['Event', 'Details', 'After', 'When']}>
        {events.map((event) => (
          <Table.Tr key={event.seq}>
            <Table.Td className="nowrap">{WORDS[event.type] ?? event.type}</Table.Td>
            <Table.Td className="break">{detailsOf(event, nameOf)}</Table.Td>
            <Table.Td className="nowrap" title={exact(event.timestamp)}>
              {between(firstMs, Date.parse(event.timestamp))}
            </Table.Td>
            <Table.Td>
              <Ago at={event.timestamp} />
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
    </Card>
  )
}

function detailsOf(
  { seq: _seq, type: _type, timestamp: _timestamp, ...details }: JobEvent,
  nameOf: (id: string) => string,
): string {
  return Object.entries(details)
    .map(([name, value]) => (name === 'provider' ? `provider: ${nameOf(String(value))}` : detail(name, value)))
    .join(' · ')
}
