import { Button, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { recentShare } from '../../../contract/webhook-words.ts'
import { client } from '../app/client.ts'
import { useMay } from '../app/session.ts'
import { number } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { WebhookForm } from './webhook-form.tsx'
import { HEALTH_MS, webhookStatus, whyFailing } from './webhook-health.ts'

/** Programs elsewhere that are told what happens. */
export function Webhooks() {
  const mayWrite = useMay('webhooks:write')
  const [isMaking, setMaking] = useState(false)
  const query = useQuery({
    queryKey: ['webhooks', 'list'],
    queryFn: async ({ signal }) => await Array.fromAsync(client.webhooks.all({}, { signal })),
    refetchInterval: HEALTH_MS,
  })
  const create = mayWrite && (
    <Button size="xs" onClick={() => setMaking(true)}>
      Create Webhook
    </Button>
  )
  return (
    <Card title="Webhooks" actions={create}>
      <Loaded query={query}>
        {(webhooks) =>
          webhooks.length === 0 ? (
            <Empty icon="network" title="No webhooks yet">
              A webhook is an address that the gateway calls when something happens, as when a job has failed.
            </Empty>
          ) : (
            <PlainTable
              label="Webhooks"
              heads={[
                'Name',
                'Events',
                'Status',
                { label: 'Arrived lately', isRight: true },
                { label: 'Delivered', isRight: true },
                { label: 'Failed', isRight: true },
                'Last',
              ]}
            >
              {webhooks.map((webhook) => (
                <Table.Tr key={webhook.id}>
                  <Table.Td>
                    <Link to="/settings/webhooks/$webhookId" params={{ webhookId: webhook.id }} className="text-link">
                      {webhook.name}
                    </Link>
                    <Text size="xs" c="dimmed" className="mono">
                      {webhook.url}
                    </Text>
                  </Table.Td>
                  <Table.Td>{webhook.events.join(', ')}</Table.Td>
                  <Table.Td>
                    <StatusBadge status={webhookStatus(webhook)} />
                    {webhook.enabled && webhook.failing !== null && (
                      <Text size="xs" c="dimmed">
                        {whyFailing(webhook.failing)}, since <Ago at={webhook.failing.since} />
                      </Text>
                    )}
                  </Table.Td>
                  <Table.Td ta="right" className="nowrap">
                    {recentShare(webhook) ?? '–'}
                  </Table.Td>
                  <Table.Td ta="right">{number(webhook.stats.delivered)}</Table.Td>
                  <Table.Td ta="right">{number(webhook.stats.failed)}</Table.Td>
                  <Table.Td>
                    <Ago at={webhook.lastTriggered} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </PlainTable>
          )
        }
      </Loaded>
      <WebhookForm isOpen={isMaking} onClose={() => setMaking(false)} />
    </Card>
  )
}
