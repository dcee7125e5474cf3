import { Button, Table, Text } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { client } from '../app/client.ts'
import { Card } from '../ui/card.tsx'
import { Outline } from '../ui/loaded.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { Problem } from '../ui/problem.tsx'
import { Ago } from '../ui/time.tsx'

/** Who changed what, newest first. */
export function AuditLog() {
  const query = useInfiniteQuery({
    queryKey: ['audit'],
    queryFn: async ({ pageParam: cursor, signal }) =>
      await client.audit.list({ limit: 50, ...(cursor === undefined ? {} : { cursor }) }, { signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ pagination }) => pagination.nextCursor ?? undefined,
    staleTime: 0,
  })
  const entries = query.data?.pages.flatMap(({ items }) => items) ?? []
  return (
    <Card title="Audit log">
      <Text size="sm" c="dimmed" mb="xs">
        Every change, and every wrong key. Never what was sent.
      </Text>
      {query.isPending && <Outline />}
      {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
      {entries.length > 0 && (
        <PlainTable
          label="Audit log"
          heads={['When', 'Owner', 'Key', 'Request', { label: 'Answer', isRight: true }, 'From']}
        >
          {entries.map((entry) => (
            <Table.Tr key={entry.id}>
              <Table.Td>
                <Ago at={entry.timestamp} />
              </Table.Td>
              <Table.Td>{entry.owner ?? '–'}</Table.Td>
              <Table.Td className="mono">{entry.keyId ?? '–'}</Table.Td>
              <Table.Td className="mono">
                {entry.method} {entry.path}
              </Table.Td>
              <Table.Td ta="right">{entry.status}</Table.Td>
              <Table.Td className="mono">{entry.address}</Table.Td>
            </Table.Tr>
          ))}
        </PlainTable>
      )}
      {query.hasNextPage && (
        <Button
          mt="sm"
          size="xs"
          variant="default"
          onClick={() => void query.fetchNextPage()}
          loading={query.isFetchingNextPage}
        >
          Show more
        </Button>
      )}
    </Card>
  )
}
