import { Button, Group, Stack } from '@mantine/core'
import { useMutation } from '@tanstack/react-query'
import { useState } from 'react'
import { type FieldProblem, ValidationError } from '../../../client/errors.ts'
import type { Webhook } from '../../../client/index.ts'
import { recentShare } from '../../../contract/webhook-words.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { number, usd } from '../format/amounts.ts'
import { Card } from '../ui/card.tsx'
import { Facts } from '../ui/facts.tsx'
import { useFocusWrong } from '../ui/focus-wrong.ts'
import { told } from '../ui/notify.ts'
import { Problem } from '../ui/problem.tsx'
import { Ago } from '../ui/time.tsx'
import { isWhole, WebhookFields, webhookBody, webhookDraft } from './webhook-fields.tsx'

/** What a webhook is; in the same place it is changed. */
export function WebhookCard({ webhook, mayWrite }: { webhook: Webhook; mayWrite: boolean }) {
  const [isEditing, setEditing] = useState(false)
  const edit = mayWrite && !isEditing && (
    <Button size="xs" variant="default" onClick={() => setEditing(true)}>
      Edit
    </Button>
  )
  return (
    <Card title="Webhook" actions={edit}>
      {isEditing ? (
        <WebhookEditor webhook={webhook} onClose={() => setEditing(false)} />
      ) : (
        <WebhookFacts webhook={webhook} />
      )}
    </Card>
  )
}

function WebhookFacts({ webhook }: { webhook: Webhook }) {
  const { events, secret, costThreshold, stats, lastTriggered, updatedAt } = webhook
  const share = recentShare(webhook)
  return (
    <Facts
      items={[
        ['Events', events.join(', ')],
        ['Signed with', secret ?? 'nothing: deliveries are not signed'],
        ['Tells of cost from', costThreshold === null ? null : usd(costThreshold)],
        ['Arrived lately', share ?? 'none has ended yet'],
        ['Delivered', number(stats.delivered)],
        ['Failed', number(stats.failed)],
        ['Sent again', number(stats.retried)],
        ['Last', <Ago key="last" at={lastTriggered} />],
        ['Changed', <Ago key="changed" at={updatedAt} />],
      ]}
    />
  )
}

const NO_PROBLEMS: FieldProblem[] = []

function WebhookEditor({ webhook, onClose }: { webhook: Webhook; onClose(): void }) {
  const [draft, setDraft] = useState(() => webhookDraft(webhook))
  const save = useMutation({
    mutationFn: async () =>
      await client.webhooks.update(webhook.id, {
        ...webhookBody(draft),
        ...(draft.isUnsigned ? { secret: null } : {}),
      }),
    async onSuccess() {
      await queryClient.invalidateQueries({ queryKey: ['webhooks'] })
      told('Webhook saved')
      onClose()
    },
  })
  const problems = save.error instanceof ValidationError ? save.error.fields : NO_PROBLEMS
  useFocusWrong(problems)
  return (
    <form
      // What is wrong is said by the gateway, by its field.
      noValidate
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate()
      }}
    >
      <Stack gap="sm" maw={640}>
        <WebhookFields draft={draft} onChange={setDraft} problems={problems} hasSecret={webhook.secret !== null} />
        {save.isError && problems.length === 0 && <Problem error={save.error} />}
        <Group gap="xs">
          <Button type="submit" loading={save.isPending} disabled={!isWhole(draft)}>
            Save
          </Button>
          <Button variant="default" onClick={onClose}>
            Leave it as it was
          </Button>
        </Group>
      </Stack>
    </form>
  )
}
