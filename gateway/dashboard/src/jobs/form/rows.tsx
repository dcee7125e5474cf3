import { ActionIcon, Button, Group, Input, Stack } from '@mantine/core'
import { Icon } from '../../ui/icons.tsx'

interface RowsProps {
  label: string
  description?: string
  entry: string
  error: string | undefined
  onAdd(): void
  /** Beside the button that adds one. */
  more?: React.ReactNode
  children: React.ReactNode
}

/** A list of which entries are added and removed. */
export function Rows({ label, description, entry, error, onAdd, more, children }: RowsProps) {
  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div">
      <Stack gap={6} mt={6}>
        {children}
        <Group gap={6}>
          <Button size="compact-sm" variant="default" leftSection={<Icon name="plus" size={14} />} onClick={onAdd}>
            Add {entry}
          </Button>
          {more}
        </Group>
      </Stack>
    </Input.Wrapper>
  )
}

/** Takes an entry out. */
export function Remove({ what, onClick }: { what: string; onClick(): void }) {
  return (
    <ActionIcon variant="subtle" color="gray" aria-label={`Remove ${what}`} onClick={onClick} mt={4}>
      <Icon name="close" size={16} />
    </ActionIcon>
  )
}
