import { Checkbox, MultiSelect, NumberInput, PasswordInput, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../client/errors.ts'
import type { NewWebhook, Webhook, WebhookEvent } from '../../../client/index.ts'
import { WEBHOOK_EVENTS } from '../../../contract/webhook-events.ts'
import { errorAt } from '../jobs/form/field-errors.ts'

/** The event that a threshold is for. */
const OF_COST: WebhookEvent = 'job.cost.threshold'

/** A webhook as it is written down. */
export interface WebhookDraft {
  name: string
  url: string
  events: WebhookEvent[]
  /** Empty: none, or that which it has. */
  secret: string
  /** US dollars; empty: four fifths of what a job may cost. */
  costThreshold: number | string
  /** Takes the secret away that it has. */
  isUnsigned: boolean
}

/** What the form begins with. @param webhook null for a new one */
export function webhookDraft(webhook: Webhook | null): WebhookDraft {
  return {
    name: webhook?.name ?? '',
    url: webhook?.url ?? '',
    events: webhook?.events ?? ['job.completed', 'job.failed'],
    secret: '',
    costThreshold: webhook?.costThreshold ?? '',
    isUnsigned: false,
  }
}

/** The same in the words of the API, without what was left empty. */
export function webhookBody({ name, url, events, secret, costThreshold }: WebhookDraft): NewWebhook {
  return {
    ...{ url, events },
    costThreshold: costThreshold === '' || !events.includes(OF_COST) ? null : Number(costThreshold),
    ...(name.trim() === '' ? {} : { name }),
    ...(secret === '' ? {} : { secret }),
  }
}

/** Whether it may be sent. */
export function isWhole({ url, events }: WebhookDraft): boolean {
  return url.trim() !== '' && events.length > 0
}

interface WebhookFieldsProps {
  draft: WebhookDraft
  onChange(draft: WebhookDraft): void
  problems: FieldProblem[]
  /** Whether there is one already. @default false */
  hasSecret?: boolean
}

/** Where a webhook leads, what it is told of, and how that is signed. */
export function WebhookFields({ draft, onChange, problems, hasSecret = false }: WebhookFieldsProps) {
  const set = (changes: Partial<WebhookDraft>) => onChange({ ...draft, ...changes })
  return (
    <>
      <TextInput
        label="Name"
        value={draft.name}
        maxLength={128}
        error={errorAt(problems, 'name')}
        onChange={(event) => set({ name: event.currentTarget.value })}
      />
      <TextInput
        label="URL"
        type="url"
        required
        placeholder="https://example.com/hook"
        value={draft.url}
        error={errorAt(problems, 'url')}
        onChange={(event) => set({ url: event.currentTarget.value })}
        data-autofocus
      />
      <MultiSelect
        label="Events"
        data={[...WEBHOOK_EVENTS]}
        value={draft.events}
        error={errorAt(problems, 'events')}
        onChange={(events) => set({ events: events as WebhookEvent[] })}
        searchable
      />
      {draft.events.includes(OF_COST) && (
        <NumberInput
          label="Cost threshold"
          description="US dollars at which a job is told of; empty: four fifths of what it may cost."
          min={0}
          prefix="$"
          value={draft.costThreshold}
          error={errorAt(problems, 'costThreshold')}
          onChange={(costThreshold) => set({ costThreshold })}
        />
      )}
      <PasswordInput
        label="Secret"
        description={`Signs what is sent; at least 8 characters, never shown again.${hasSecret ? ' Left empty, the one that it has stays.' : ''}`}
        value={draft.secret}
        disabled={draft.isUnsigned}
        autoComplete="off"
        error={errorAt(problems, 'secret')}
        onChange={(event) => set({ secret: event.currentTarget.value })}
      />
      {hasSecret && (
        <Checkbox
          label="Sign nothing any more"
          checked={draft.isUnsigned}
          onChange={(event) => set({ isUnsigned: event.currentTarget.checked, secret: '' })}
        />
      )}
    </>
  )
}
