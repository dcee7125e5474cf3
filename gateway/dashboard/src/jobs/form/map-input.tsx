import { ActionIcon, Button, Group, Input, PasswordInput, Stack, TextInput } from '@mantine/core'
import { useState } from 'react'
import { Icon } from '../../ui/icons.tsx'

interface MapInputProps {
  label: string
  description?: string
  /** What one entry is called, e.g. `variable`. */
  entry: string
  value: Record<string, string> | undefined
  onChange(value: Record<string, string> | undefined): void
  error?: string | undefined
  isSecret?: boolean
}

type Rows = [name: string, value: string][]

/** Names and values. A row without a name is not there yet. */
export function MapInput({ label, description, entry, value = {}, onChange, error, isSecret = false }: MapInputProps) {
  const [typed, setTyped] = useState<Rows>(() => Object.entries(value))
  const isSame = JSON.stringify(mapOf(typed)) === JSON.stringify(value)
  const rows = isSame ? typed : Object.entries(value)
  const Value = isSecret ? PasswordInput : TextInput

  function change(next: Rows): void {
    setTyped(next)
    onChange(mapOf(next))
  }

  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div">
      <Stack gap={6} mt={6}>
        {rows.map(([name, text], i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: names change as they are typed, places do not
          <Group key={i} gap={6} wrap="nowrap">
            <TextInput
              aria-label={`Name of ${entry} ${i + 1}`}
              placeholder="NAME"
              value={name}
              onChange={(event) => change(rows.with(i, [event.currentTarget.value, text]))}
              classNames={{ input: 'mono' }}
              flex={2}
            />
            <Value
              aria-label={`Value of ${entry} ${i + 1}`}
              placeholder="value"
              value={text}
              autoComplete="off"
              onChange={(event) => change(rows.with(i, [name, event.currentTarget.value]))}
              flex={3}
            />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`Remove ${entry} ${i + 1}`}
              onClick={() => change(rows.toSpliced(i, 1))}
            >
              <Icon name="close" size={16} />
            </ActionIcon>
          </Group>
        ))}
        <div>
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<Icon name="plus" size={14} />}
            onClick={() => setTyped([...rows, ['', '']])}
          >
            Add {entry}
          </Button>
        </div>
      </Stack>
    </Input.Wrapper>
  )
}

function mapOf(rows: Rows): Record<string, string> {
  return Object.fromEntries(rows.filter(([name]) => name !== ''))
}
