import { Button, Table, Text } from '@mantine/core'
import { client } from '../app/client.ts'
import { number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { failed, told } from '../ui/notify.ts'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'

const HEADS = [
  'Event',
  'Status',
  'Answer',
  { label: 'Attempts', isRight: true },
  'Next',
  'When',
  { label: 'Actions', isHidden: true },
]

/** What a webhook was sent, newest first. */
export function Deliveries({ id, mayWrite }: { id: string; mayWrite: boolean }) {
  const pages = usePages(
    ['webhooks', 'history', id],
    async (paging, options) => await client.webhooks.history(id, paging, options),
  )

  async function retry(deliveryId: string): Promise<void> {
    try {
      await client.webhooks.retry(id, deliveryId)
      told('It is sent again')
      await pages.refetch()
    } catch (error) {
      failed('It could not be sent again', error)
    }
  }

  return (
    <Card
      title="History"
      actions={
        <Button size="xs" variant="default" onClick={() => void pages.refetch()} loading={pages.isRefetching}>
          Refresh
        </Button>
      }
    >
      <Paged
        pages={pages}
        empty={
          <Text size="sm" c="dimmed">
            Nothing was sent yet. Tests are not listed.
          </Text>
        }
      >
        {(deliveries) => (
          <PlainTable label="Deliveries" heads={HEADS}>
            {deliveries.map((delivery) => (
              <Table.Tr key={delivery.id}>
                <Table.Td>{delivery.eventType}</Table.Td>
                <Table.Td>
                  <StatusBadge status={delivery.status} />
                </Table.Td>
                <Table.Td>
                  {delivery.responseCode ?? delivery.error ?? '–'}
                  {delivery.responseTime !== null && ` in ${number(delivery.responseTime)} ms`}
                </Table.Td>
                <Table.Td ta="right">{delivery.attempts}</Table.Td>
                <Table.Td>
                  <Ago at={delivery.nextAttempt} />
                </Table.Td>
                <Table.Td>
                  <Ago at={delivery.timestamp} />
                </Table.Td>
                <Table.Td ta="right">
                  {mayWrite && (
                    <Button size="xs" variant="default" onClick={() => void retry(delivery.id)}>
                      Send again
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </PlainTable>
        )}
      </Paged>
    </Card>
  )
}
