import { Group, Stack, Text, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { Icon, type IconName } from './icons.tsx'

/** What to do where there is nothing yet. */
export function Empty({
  icon,
  title,
  children,
  action,
}: {
  icon: IconName
  title: string
  children: ReactNode
  action?: ReactNode
}) {
  return (
    <Stack align="center" gap="sm" py={48} px="md" className="empty">
      <span className="empty-icon">
        <Icon name={icon} size={28} />
      </span>
      <Title order={2} size="h4">
        {title}
      </Title>
      <Text size="sm" c="dimmed" ta="center" maw={480} component="div">
        {children}
      </Text>
      {action && <Group mt={4}>{action}</Group>}
    </Stack>
  )
}
