import { Table } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { client } from '../../app/client.ts'
import { number, usd } from '../../format/amounts.ts'
import { Empty } from '../../ui/empty.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { StatusBadge } from '../../ui/status-badge.tsx'
import { jobKeys } from '../queries.ts'

/** Everybody who was asked: what they wanted, how they ranked, and why. */
export function Bids({ jobId }: { jobId: string }) {
  const query = useQuery({
    queryKey: jobKeys.bids(jobId),
    queryFn: async ({ signal }) => await client.jobs.bids(jobId, { signal }),
    staleTime: 0,
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
          <div className="plain-table" tabIndex={0} role="region" aria-label="Bids">
            <Table>
              <Table.Thead>
                <Table.Tr>
                  <Table.Th>Attempt</Table.Th>
                  <Table.Th>Provider</Table.Th>
                  <Table.Th>Outcome</Table.Th>
                  <Table.Th ta="right">Price per hour</Table.Th>
                  <Table.Th ta="right">At least</Table.Th>
                  <Table.Th ta="right">Score</Table.Th>
                  <Table.Th>Reason</Table.Th>
                </Table.Tr>
              </Table.Thead>
              <Table.Tbody>
                {bids.map((bid) => (
                  <Table.Tr key={`${bid.attempt} ${bid.provider} ${bid.timestamp}`}>
                    <Table.Td>{bid.attempt}</Table.Td>
                    <Table.Td>
                      <Link to="/network/$providerId" params={{ providerId: bid.provider }} className="text-link">
                        {bid.name || `…${bid.provider.slice(-8)}`}
                      </Link>
                    </Table.Td>
                    <Table.Td>
                      <StatusBadge status={bid.outcome} />
                    </Table.Td>
                    <Table.Td ta="right">{usd(bid.price)}</Table.Td>
                    <Table.Td ta="right">{bid.minimumCharge === 0 ? '–' : usd(bid.minimumCharge)}</Table.Td>
                    <Table.Td ta="right">{bid.score === null ? '–' : number(bid.score, 3)}</Table.Td>
                    <Table.Td>{bid.reason}</Table.Td>
                  </Table.Tr>
                ))}
              </Table.Tbody>
            </Table>
          </div>
        )
      }
    </Loaded>
  )
}
