import {
  ActionIcon,
  AppShell,
  Burger,
  Button,
  Group,
  Menu,
  Text,
  useComputedColorScheme,
  useMantineColorScheme,
} from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { Link, Outlet, useNavigate } from '@tanstack/react-router'
import { useEffect } from 'react'
import { Hands } from '../hands/hands.tsx'
import { Icon } from '../ui/icons.tsx'
import { failed } from '../ui/notify.ts'
import { createEventApplier } from './apply-events.ts'
import { ConnectionBadge } from './connection-badge.tsx'
import { notifyOf } from './job-notices.ts'
import { startLive } from './live.ts'
import { Nav } from './nav.tsx'
import { queryClient } from './query.ts'
import { meQuery, signOut } from './session.ts'

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
            <Account />
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

function Account() {
  const { data: me } = useQuery(meQuery)
  const navigate = useNavigate()

  async function leave(): Promise<void> {
    try {
      await signOut()
      await navigate({ to: '/login' })
    } catch (error) {
      failed('Could not sign out', error)
    }
  }

  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <Button variant="subtle" color="gray" px="xs" className="account" aria-label={`Account of ${me?.id ?? 'you'}`}>
          {me?.id ?? '…'}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>{me?.admin ? 'Admin: sees everybody’s jobs' : `Key ${me?.keyId ?? ''}`}</Menu.Label>
        <Menu.Item leftSection={<Icon name="signOut" size={16} />} onClick={() => void leave()}>
          Sign out
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
