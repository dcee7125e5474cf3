import { Alert, Button, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import type { Webhook, WebhookTest } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { number } from '../format/amounts.ts'
import { Confirm } from '../ui/confirm.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { failed } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { Ago } from '../ui/time.tsx'
import { Deliveries } from './deliveries.tsx'
import { WebhookCard } from './webhook-card.tsx'
import { HEALTH_MS, webhookStatus, whyFailing } from './webhook-health.ts'

/** One webhook, and what became of everything that it was sent. */
export function WebhookPage() {
  const { webhookId } = useParams({ from: '/signed-in/settings/webhooks/$webhookId' })
  const query = useQuery({
    queryKey: ['webhooks', 'one', webhookId],
    queryFn: async ({ signal }) => await client.webhooks.get(webhookId, { signal }),
    refetchInterval: HEALTH_MS,
  })
  return <Loaded query={query}>{(webhook) => <WebhookDetails webhook={webhook} />}</Loaded>
}

function WebhookDetails({ webhook }: { webhook: Webhook }) {
  const { id, name, url, enabled, disabledReason, failing } = webhook
  const mayWrite = useMay('webhooks:write')
  const navigate = useNavigate()
  const [isLeaving, setLeaving] = useState(false)
  const [outcome, setOutcome] = useState<WebhookTest | null>(null)
  const refresh = async () => await queryClient.invalidateQueries({ queryKey: ['webhooks'] })
  const test = useMutation({
    mutationFn: async () => await client.webhooks.test(id),
    onSuccess: setOutcome,
    onError: (error) => failed('It could not be tested', error),
  })
  const toggle = useMutation({
    mutationFn: async () => await client.webhooks.update(id, { enabled: !enabled }),
    onSuccess: refresh,
    onError: (error) => failed('That did not work', error),
  })
  return (
    <Page
      title={name}
      badge={<StatusBadge status={webhookStatus(webhook)} />}
      description={<span className="mono break">{url}</span>}
      actions={
        mayWrite && (
          <>
            <Button variant="default" onClick={() => toggle.mutate()} loading={toggle.isPending}>
              {enabled ? 'Pause' : 'Resume'}
            </Button>
            <Button variant="default" onClick={() => setLeaving(true)}>
              Delete
            </Button>
            <Button onClick={() => test.mutate()} loading={test.isPending}>
              Send a test
            </Button>
          </>
        )
      }
    >
      {disabledReason !== null && (
        <Alert color="red" variant="light" role="alert" title="It is told nothing more">
          The gateway paused it: {disabledReason}. Resume it to stand behind it yourself.
        </Alert>
      )}
      {enabled && failing !== null && (
        <Alert color="red" variant="light" role="alert" title="Nothing arrives there">
          {whyFailing(failing)}, since <Ago at={failing.since} />. It is tried again by itself.
        </Alert>
      )}
      {outcome !== null && (
        <Alert
          color={outcome.delivered ? 'teal' : 'red'}
          variant="light"
          role="status"
          title={outcome.delivered ? 'The test was delivered' : 'The test was not delivered'}
          withCloseButton
          closeButtonLabel="Close"
          onClose={() => setOutcome(null)}
        >
          {outcome.error ?? `Answered ${outcome.statusCode}`} after {number(outcome.responseTime)} ms
        </Alert>
      )}
      <WebhookCard webhook={webhook} mayWrite={mayWrite} />
      <Deliveries id={id} mayWrite={mayWrite} />
      <Confirm
        isOpen={isLeaving}
        title="Delete webhook"
        confirm="Delete"
        isDangerous
        onClose={() => setLeaving(false)}
        onConfirm={async () => {
          await client.webhooks.delete(id)
          await navigate({ to: '/settings', search: { tab: 'webhooks' } })
          await refresh()
        }}
      >
        <Text size="sm">What waits to be sent to it is dropped.</Text>
      </Confirm>
    </Page>
  )
}
