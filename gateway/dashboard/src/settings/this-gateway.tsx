import { Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { client } from '../app/client.ts'
import { bytes, number } from '../format/amounts.ts'
import { span } from '../format/time.ts'
import { Card } from '../ui/card.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { PlainTable } from '../ui/plain-table.tsx'

/** How often it is looked at again, in ms: two looks at the bytes of a peer make a rate. */
const EVERY_MS = 10_000
/** Peers that are shown, those with the most traffic first. */
const MOST_PEERS = 100

/** How the gateway is, how much its key may ask, and with whom it is connected. */
export function ThisGateway({ isAdmin }: { isAdmin: boolean }) {
  const health = useQuery({
    queryKey: ['system', 'health'],
    queryFn: async ({ signal }) => await client.health({ signal }),
    refetchInterval: EVERY_MS,
  })
  const limits = useQuery({
    queryKey: ['system', 'limits'],
    queryFn: async ({ signal }) => await client.rateLimits({ signal }),
    refetchInterval: EVERY_MS,
  })
  return (
    <>
      <Card title="This gateway">
        <Loaded query={health}>
          {({ version, uptime, peerId, peers, providers }) => (
            <Facts
              items={[
                ['Version', version],
                ['Up for', span(uptime)],
                [
                  'Peer id',
                  <span key="id" className="mono break">
                    {peerId}
                  </span>,
                ],
                ['Connected peers', number(peers)],
                ['Providers online', number(providers)],
              ]}
            />
          )}
        </Loaded>
        <Loaded query={limits}>
          {({ limit, remaining, enforced }) => (
            <Text size="sm" c="dimmed" mt="sm">
              {enforced
                ? `Your key may ask ${number(limit)} times a minute; ${number(remaining)} are left of this one.`
                : 'How often your key asks is not limited here.'}
            </Text>
          )}
        </Loaded>
      </Card>
      {isAdmin && <Peers />}
    </>
  )
}

function Peers() {
  const query = useQuery({
    queryKey: ['system', 'peers'],
    queryFn: async ({ signal }) => await client.peers({ signal }),
    refetchInterval: EVERY_MS,
  })
  return (
    <Card title="Connections">
      <Loaded query={query}>
        {(peers) =>
          peers.length === 0 ? (
            <Text size="sm" c="dimmed">
              It is connected with nobody.
            </Text>
          ) : (
            <>
              <PlainTable
                label="Connections"
                heads={['Peer', { label: 'Received', isRight: true }, { label: 'Sent', isRight: true }]}
              >
                {peers
                  .toSorted((a, b) => b.receivedBytes + b.sentBytes - a.receivedBytes - a.sentBytes)
                  .slice(0, MOST_PEERS)
                  .map(({ peer, receivedBytes, sentBytes }) => (
                    <Table.Tr key={peer}>
                      <Table.Td className="mono break">{peer}</Table.Td>
                      <Table.Td ta="right">{bytes(receivedBytes)}</Table.Td>
                      <Table.Td ta="right">{bytes(sentBytes)}</Table.Td>
                    </Table.Tr>
                  ))}
              </PlainTable>
              {peers.length > MOST_PEERS && (
                <Text size="sm" c="dimmed" mt="xs">
                  Those with the most traffic, of {number(peers.length)}.
                </Text>
              )}
            </>
          )
        }
      </Loaded>
    </Card>
  )
}
