import { Checkbox, Group, PasswordInput, Stack, Text } from '@mantine/core'
import { Card } from '../../ui/card.tsx'
import type { Hidden } from '../submission.ts'
import type { DraftEditor } from './use-draft.ts'

/** What they are of. */
export type HiddenOf = 'template' | 'job'

interface HiddenFieldsProps {
  of: HiddenOf
  editor: DraftEditor
  /** What it has; null where nobody can open it. */
  hidden: Hidden | null
  leftOut: Hidden
  onLeaveOut(leftOut: Hidden): void
}

/** What a template, or an earlier job, gives to a job without showing it: each is kept, replaced or left out. */
export function HiddenFields({ of, editor: { draft, set }, hidden, leftOut, onLeaveOut }: HiddenFieldsProps) {
  if (hidden === null) {
    return (
      <Card title={`Secrets of the ${of}`}>
        <Text size="sm">
          They were encrypted with another master key, so no job can be made of this {of}:{' '}
          {of === 'template' ? 'save its secrets anew' : 'create one anew'}, or start the gateway with that key.
        </Text>
      </Card>
    )
  }
  if (hidden.secrets.length === 0 && !hidden.registryCredentials) return null
  const { secrets = {}, registryCredentials } = draft

  function give(name: string, value: string): void {
    const { [name]: _before, ...others } = secrets
    set('secrets', value === '' ? others : { ...others, [name]: value })
  }

  function keep(name: string, isKept: boolean): void {
    const others = leftOut.secrets.filter((one) => one !== name)
    onLeaveOut({ ...leftOut, secrets: isKept ? others : [...others, name] })
    if (!isKept) give(name, '')
  }

  return (
    <Card title={`Secrets of the ${of}`}>
      <Stack gap="xs">
        <Text size="sm" c="dimmed">
          They go along unseen, unless what runs, or where, is changed: then give each anew. What is not ticked is left
          out.
        </Text>
        {hidden.secrets.map((name) => {
          const isKept = !leftOut.secrets.includes(name) || Object.hasOwn(secrets, name)
          return (
            <Group key={name} gap={10} className="form-row">
              <Checkbox
                label={name}
                checked={isKept}
                onChange={(event) => keep(name, event.currentTarget.checked)}
                classNames={{ label: 'mono' }}
                flex="1 1 140px"
              />
              <PasswordInput
                aria-label={`New value of ${name}`}
                placeholder={`as in the ${of}`}
                value={secrets[name] ?? ''}
                autoComplete="off"
                disabled={!isKept}
                onChange={(event) => give(name, event.currentTarget.value)}
                flex="2 1 180px"
              />
            </Group>
          )
        })}
        {hidden.registryCredentials && (
          <Checkbox
            label="Registry credentials"
            description="To replace them, give others under More."
            checked={!leftOut.registryCredentials || registryCredentials !== undefined}
            onChange={(event) => {
              onLeaveOut({ ...leftOut, registryCredentials: !event.currentTarget.checked })
              if (!event.currentTarget.checked) set('registryCredentials', undefined)
            }}
          />
        )}
      </Stack>
    </Card>
  )
}
