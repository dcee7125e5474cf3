import { Group, Stack, Text, Title } from '@mantine/core'
import { type ReactNode, useEffect } from 'react'

interface PageProps {
  title: string
  /** Beside the title. */
  badge?: ReactNode
  description?: ReactNode
  actions?: ReactNode
  /** Where the content scrolls by itself, as a table of any length does. */
  isFilled?: boolean
  children: ReactNode
}

/** A page's heading with its actions, and its content. */
export function Page({ title, badge, description, actions, isFilled = false, children }: PageProps) {
  useEffect(() => {
    document.title = `${title} · Cortex`
  }, [title])
  return (
    <Stack gap="md" className={isFilled ? 'page page-filled' : 'page'}>
      <Group justify="space-between" align="flex-start" gap="sm">
        <div className="page-heading">
          <Group gap="sm" align="center">
            <Title order={1} size="h3">
              {title}
            </Title>
            {badge}
          </Group>
          {description && (
            <Text size="sm" c="dimmed" component="div">
              {description}
            </Text>
          )}
        </div>
        {actions && <Group gap="xs">{actions}</Group>}
      </Group>
      {children}
    </Stack>
  )
}
