import { NavLink, Stack, Text } from '@mantine/core'
import { Link, useLocation } from '@tanstack/react-router'
import { Icon, type IconName } from '../ui/icons.tsx'

/** The sections of the dashboard, as its menu has them. */
export const SECTIONS: { title: string; links: { to: string; label: string; icon: IconName }[] }[] = [
  {
    title: 'Work',
    links: [
      { to: '/jobs', label: 'Jobs', icon: 'jobs' },
      { to: '/jobs/templates', label: 'Templates', icon: 'templates' },
      { to: '/jobs/batches', label: 'Batches', icon: 'batches' },
      { to: '/jobs/schedules', label: 'Schedules', icon: 'schedules' },
      { to: '/uploads', label: 'Uploads', icon: 'up' },
      { to: '/volumes', label: 'Volumes', icon: 'volumes' },
    ],
  },
  {
    title: 'Market',
    links: [
      { to: '/network', label: 'Network', icon: 'network' },
      { to: '/costs', label: 'Costs', icon: 'costs' },
    ],
  },
  { title: 'Gateway', links: [{ to: '/settings', label: 'Settings', icon: 'settings' }] },
]

/** The sections of the dashboard. */
export function Nav({ onFollow }: { onFollow: () => void }) {
  const { pathname } = useLocation()
  const all = SECTIONS.flatMap(({ links }) => links)
  const current = all.filter(({ to }) => pathname === to || pathname.startsWith(`${to}/`)).at(-1)
  const here =
    all.filter(({ to }) => pathname.startsWith(to)).toSorted((a, b) => b.to.length - a.to.length)[0] ?? current
  return (
    <Stack gap="lg">
      {SECTIONS.map(({ title, links }) => (
        <div key={title}>
          <Text size="xs" c="dimmed" fw={600} px="sm" pb={4} className="nav-title">
            {title}
          </Text>
          {links.map(({ to, label, icon }) => (
            <NavLink
              key={to}
              component={Link}
              to={to}
              // Else the page of all jobs would also be where its templates are.
              activeOptions={{ exact: true }}
              label={label}
              leftSection={<Icon name={icon} />}
              active={here?.to === to}
              aria-current={here?.to === to ? 'page' : undefined}
              onClick={onFollow}
              className="nav-link"
            />
          ))}
          {title === 'Gateway' && (
            <NavLink
              href="/docs/"
              label="Documentation"
              leftSection={<Icon name="docs" />}
              onClick={onFollow}
              className="nav-link"
            />
          )}
        </div>
      ))}
    </Stack>
  )
}
