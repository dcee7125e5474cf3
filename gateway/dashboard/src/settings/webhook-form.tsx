import { useState } from 'react'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { Confirm } from '../ui/confirm.tsx'
import { told } from '../ui/notify.ts'
import { isWhole, WebhookFields, webhookBody, webhookDraft } from './webhook-fields.tsx'

/** A new webhook. */
export function WebhookForm({ isOpen, onClose }: { isOpen: boolean; onClose(): void }) {
  const [draft, setDraft] = useState(() => webhookDraft(null))

  async function make(): Promise<void> {
    await client.webhooks.create(webhookBody(draft))
    await queryClient.invalidateQueries({ queryKey: ['webhooks'] })
    setDraft(webhookDraft(null))
    told('Webhook created')
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Create Webhook"
      confirm="Create Webhook"
      dismiss="Close"
      isDisabled={!isWhole(draft)}
      onConfirm={make}
      onClose={onClose}
    >
      <WebhookFields draft={draft} onChange={setDraft} problems={[]} />
    </Confirm>
  )
}
