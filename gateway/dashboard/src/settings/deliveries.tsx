import { Button, Group, Table, Text } from '@mantine/core'
import { Fragment, useState } from 'react'
import type { Delivery } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { failed, told } from '../ui/notify.ts'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { Payload } from './payload.tsx'

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

  /** With how the webhook itself is. */
  const refresh = async () => await queryClient.invalidateQueries({ queryKey: ['webhooks'] })

  async function retry(deliveryId: string): Promise<void> {
    try {
      await client.webhooks.retry(id, deliveryId)
      told('It is sent again')
      await refresh()
    } catch (error) {
      failed('It could not be sent again', error)
    }
  }

  return (
    <Card
      title="History"
      actions={
        <Button size="xs" variant="default" onClick={() => void refresh()} loading={pages.isRefetching}>
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
              <DeliveryRow
                key={delivery.id}
                webhookId={id}
                delivery={delivery}
                onRetry={mayWrite ? () => void retry(delivery.id) : undefined}
              />
            ))}
          </PlainTable>
        )}
      </Paged>
    </Card>
  )
}

interface DeliveryRowProps {
  webhookId: string
  delivery: Delivery
  onRetry: (() => void) | undefined
}

/** One delivery; what was sent opens below it. */
function DeliveryRow({ webhookId, delivery, onRetry }: DeliveryRowProps) {
  const { id, eventType, status, responseCode, error, responseTime, attempts, nextAttempt, timestamp } = delivery
  const [isOpen, setOpen] = useState(false)
  return (
    <Fragment>
      <Table.Tr>
        <Table.Td>{eventType}</Table.Td>
        <Table.Td>
          <StatusBadge status={status} />
        </Table.Td>
        <Table.Td>
          {responseCode ?? error ?? '–'}
          {responseTime !== null && ` in ${number(responseTime)} ms`}
        </Table.Td>
        <Table.Td ta="right">{attempts}</Table.Td>
        <Table.Td>
          <Ago at={nextAttempt} />
        </Table.Td>
        <Table.Td>
          <Ago at={timestamp} />
        </Table.Td>
        <Table.Td ta="right">
          <Group gap={6} justify="flex-end" wrap="nowrap">
            <Button size="xs" variant="default" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
              {isOpen ? 'Hide what was sent' : 'Show what was sent'}
            </Button>
            {onRetry && (
              <Button size="xs" variant="default" onClick={onRetry}>
                Send again
              </Button>
            )}
          </Group>
        </Table.Td>
      </Table.Tr>
      {isOpen && (
        <Table.Tr>
          <Table.Td colSpan={HEADS.length}>
            <Payload webhookId={webhookId} deliveryId={id} />
          </Table.Td>
        </Table.Tr>
      )}
    </Fragment>
  )
}
