import { ActionIcon, AppShell, Burger, Group, Text, useComputedColorScheme, useMantineColorScheme } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet } from '@tanstack/react-router'
import { lazy, useEffect } from 'react'
import { Hands } from '../hands/hands.tsx'
import { AtFirstClick } from '../ui/at-first-click.tsx'
import { Icon } from '../ui/icons.tsx'
import { AccountName } from './account-name.tsx'
import { createEventApplier } from './apply-events.ts'
import { ConnectionBadge } from './connection-badge.tsx'
import { notifyOf } from './job-notices.ts'
import { startLive } from './live.ts'
import { Nav } from './nav.tsx'
import { queryClient } from './query.ts'
import { meQuery } from './session.ts'

const Account = lazy(async () => ({ default: (await import('./account.tsx')).Account }))

/** What surrounds every page of somebody who is signed in; follows what happens for all of them. */
export function Shell() {
  const [isOpen, { toggle, close }] = useDisclosure(false)

  useEffect(() => {
    const apply = createEventApplier(queryClient)
    return startLive({
      onEvents(events) {
        apply(events)
        notifyOf(events)
      },
      onGap: () => void queryClient.invalidateQueries(),
    })
  }, [])

  return (
    <AppShell
      header={{ height: 56 }}
      navbar={{ width: 216, breakpoint: 'sm', collapsed: { mobile: !isOpen } }}
      padding={{ base: 'sm', sm: 'lg' }}
    >
      <a href="#main" className="skip-link">
        Skip to content
      </a>
      <AppShell.Header>
        <Group h="100%" px={{ base: 'sm', sm: 'lg' }} justify="space-between" wrap="nowrap">
          <Group gap="sm" wrap="nowrap">
            <Burger
              opened={isOpen}
              onClick={toggle}
              hiddenFrom="sm"
              size="sm"
              aria-label="Menu"
              aria-expanded={isOpen}
            />
            <Link to="/jobs" className="brand">
              <img src="/icon.svg" alt="" width={26} height={26} />
              <Text fw={700} component="span">
                Cortex
              </Text>
            </Link>
          </Group>
          <Group gap="xs" wrap="nowrap">
            <Hands />
            <ConnectionBadge />
            <SchemeToggle />
            <AccountButton />
          </Group>
        </Group>
      </AppShell.Header>
      <AppShell.Navbar p="sm" component="nav" aria-label="Sections">
        <Nav onFollow={close} />
      </AppShell.Navbar>
      <AppShell.Main id="main" tabIndex={-1}>
        <Outlet />
      </AppShell.Main>
    </AppShell>
  )
}

function SchemeToggle() {
  const { setColorScheme } = useMantineColorScheme()
  const isDark = useComputedColorScheme('light') === 'dark'
  const other = isDark ? 'light' : 'dark'
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      size="lg"
      aria-label={`Use the ${other} theme`}
      onClick={() => setColorScheme(other)}
    >
      <Icon name={isDark ? 'sun' : 'moon'} />
    </ActionIcon>
  )
}

/** What its menu is made of comes at the first click. */
function AccountButton() {
  const { data: me } = useQuery(meQuery)
  return (
    <AtFirstClick button={(props) => <AccountName id={me?.id} {...props} />}>
      <Account />
    </AtFirstClick>
  )
}
