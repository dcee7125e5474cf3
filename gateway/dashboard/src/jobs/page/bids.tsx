import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import type { Bid, Job } from '../../../../client/index.ts'
import { shownName } from '../../../../contract/names.ts'
import { client } from '../../app/client.ts'
import { bytes, gpuName, number, usd } from '../../format/amounts.ts'
import { span } from '../../format/time.ts'
import { Card } from '../../ui/card.tsx'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { PlainTable } from '../../ui/plain-table.tsx'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { jobKeys } from '../queries.ts'

const HEADS = [
  'Attempt',
  'Provider',
  'Outcome',
  { label: 'Price per hour', isRight: true },
  { label: 'At least', isRight: true },
  { label: 'Per GB of traffic', isRight: true },
  { label: 'Per GB-hour kept', isRight: true },
  'GPU',
  'Platform',
  'Isolation',
  { label: 'Missing data', isRight: true },
  { label: 'Score', isRight: true },
  'Reason',
]

/** What of the job's bytes was missing there, and how long it was expected to wait for them. */
function missing({ missingBytes, waitSeconds }: Bid): string {
  const wait = waitSeconds === null || waitSeconds < 1 ? [] : [span(Math.round(waitSeconds))]
  if (missingBytes === null) return wait[0] ?? '–'
  return [missingBytes === 0 ? 'nothing' : bytes(missingBytes), ...wait].join(', ')
}

/** How often bids are asked for while there may be new ones, in ms: no event tells of each. */
const LIVE_MS = 2_000

/** Everybody who was asked: what they wanted, how they ranked, and why; as they come, while the job waits for one. */
export function Bids({ job: { id: jobId, status } }: { job: Pick<Job, 'id' | 'status'> }) {
  const query = useQuery({
    queryKey: jobKeys.bids(jobId),
    queryFn: async ({ signal }) => await client.jobs.bids(jobId, { signal }),
    staleTime: 0,
    refetchInterval: status === 'pending' ? LIVE_MS : false,
  })
  return (
    <Loaded query={query}>
      {(bids) =>
        bids.length === 0 ? (
          <Empty icon="network" title="No bids yet">
            Providers are asked as soon as the job is submitted. Where nobody answers, see the network page for who is
            there.
          </Empty>
        ) : (
          <Card>
            <PlainTable label="Bids" heads={HEADS}>
              {bids.map((bid) => (
                <Table.Tr key={`${bid.attempt} ${bid.provider} ${bid.timestamp}`}>
                  <Table.Td>{bid.attempt}</Table.Td>
                  <Table.Td>
                    <Link to="/network/$providerId" params={{ providerId: bid.provider }} className="text-link">
                      {shownName(bid.name, bid.provider)}
                    </Link>
                  </Table.Td>
                  <Table.Td>
                    <StatusBadge status={bid.outcome} />
                  </Table.Td>
                  <Table.Td ta="right">{usd(bid.price)}</Table.Td>
                  <Table.Td ta="right">{bid.minimumCharge === 0 ? '–' : usd(bid.minimumCharge)}</Table.Td>
                  <Table.Td ta="right">{bid.pricePerGb === 0 ? '–' : usd(bid.pricePerGb)}</Table.Td>
                  <Table.Td ta="right">{bid.volumePerGbHour === 0 ? '–' : usd(bid.volumePerGbHour)}</Table.Td>
                  <Table.Td>{bid.gpu === null ? '–' : gpuName(bid.gpu)}</Table.Td>
                  <Table.Td>
                    {bid.platform ?? '–'}
                    {bid.emulated && ', emulated'}
                  </Table.Td>
                  <Table.Td>{bid.isolation ?? '–'}</Table.Td>
                  <Table.Td ta="right">{missing(bid)}</Table.Td>
                  <Table.Td ta="right">{bid.score === null ? '–' : number(bid.score, 3)}</Table.Td>
                  <Table.Td>{bid.reason}</Table.Td>
                </Table.Tr>
              ))}
            </PlainTable>
          </Card>
        )
      }
    </Loaded>
  )
}
