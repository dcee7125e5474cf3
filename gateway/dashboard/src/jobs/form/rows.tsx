import { ActionIcon, Button, Input, Stack } from '@mantine/core'
import { Icon } from '../../ui/icons.tsx'

interface RowsProps {
  label: string
  description?: string
  entry: string
  error: string | undefined
  onAdd(): void
  children: React.ReactNode
}

/** A list of which entries are added and removed. */
export function Rows({ label, description, entry, error, onAdd, children }: RowsProps) {
  return (
    <Input.Wrapper label={label} description={description} error={error} labelElement="div">
      <Stack gap={6} mt={6}>
        {children}
        <div>
          <Button size="compact-sm" variant="default" leftSection={<Icon name="plus" size={14} />} onClick={onAdd}>
            Add {entry}
          </Button>
        </div>
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
