import { MultiSelect, PasswordInput, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { WebhookEvent } from '../../../client/index.ts'
import { WEBHOOK_EVENTS } from '../../../contract/webhook-events.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { Confirm } from '../ui/confirm.tsx'
import { told } from '../ui/notify.ts'

/** A new webhook. */
export function WebhookForm({ isOpen, onClose }: { isOpen: boolean; onClose(): void }) {
  const [name, setName] = useState('')
  const [url, setUrl] = useState('')
  const [secret, setSecret] = useState('')
  const [events, setEvents] = useState<string[]>(['job.completed', 'job.failed'])

  async function make(): Promise<void> {
    await client.webhooks.create({
      url,
      events: events as WebhookEvent[],
      ...(name === '' ? {} : { name }),
      ...(secret === '' ? {} : { secret }),
    })
    await queryClient.invalidateQueries({ queryKey: ['webhooks'] })
    setName('')
    setUrl('')
    setSecret('')
    told('Webhook created')
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Create Webhook"
      confirm="Create Webhook"
      dismiss="Close"
      isDisabled={url.trim() === '' || events.length === 0}
      onConfirm={make}
      onClose={onClose}
    >
      <TextInput label="Name" value={name} maxLength={128} onChange={(event) => setName(event.currentTarget.value)} />
      <TextInput
        label="URL"
        type="url"
        required
        placeholder="https://example.com/hook"
        value={url}
        onChange={(event) => setUrl(event.currentTarget.value)}
        data-autofocus
      />
      <MultiSelect label="Events" data={[...WEBHOOK_EVENTS]} value={events} onChange={setEvents} searchable />
      <PasswordInput
        label="Secret"
        description="Signs what is sent; at least 8 characters, never shown again."
        value={secret}
        autoComplete="off"
        onChange={(event) => setSecret(event.currentTarget.value)}
      />
    </Confirm>
  )
}
