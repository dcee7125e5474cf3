import { Table, Text } from '@mantine/core'
import { client } from '../app/client.ts'
import { Card } from '../ui/card.tsx'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'

/** Who changed what, newest first. */
export function AuditLog() {
  const pages = usePages(['audit'], client.audit.list)
  return (
    <Card title="Audit log">
      <Text size="sm" c="dimmed" mb="xs">
        Every change, and every wrong key. Never what was sent.
      </Text>
      <Paged pages={pages}>
        {(entries) => (
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
      </Paged>
    </Card>
  )
}
