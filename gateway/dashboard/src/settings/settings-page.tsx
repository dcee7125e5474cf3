import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { meQuery } from '../app/session.ts'
import { Page } from '../ui/page.tsx'
import { AuditLog } from './audit-log.tsx'
import { Keys } from './keys.tsx'
import { Notices } from './notices.tsx'
import { SshKeys } from './ssh-keys.tsx'
import { type SettingsTab, useSettingsTabs } from './tabs.ts'
import { ThisGateway } from './this-gateway.tsx'
import { Webhooks } from './webhooks.tsx'

/** Keys, those of SSH, webhooks, notifications, who changed what, and how the gateway is. */
export function SettingsPage() {
  const { tab } = useSearch({ from: '/signed-in/settings' })
  const { data: me } = useQuery(meQuery)
  const navigate = useNavigate()
  const tabs = useSettingsTabs()
  const content: Record<SettingsTab['value'], ReactNode> = {
    keys: <Keys />,
    ssh: <SshKeys />,
    webhooks: <Webhooks />,
    notifications: <Notices />,
    audit: <AuditLog />,
    gateway: <ThisGateway isAdmin={me?.admin === true} />,
  }
  return (
    <Page title="Settings">
      <Tabs
        value={tab ?? tabs[0]?.value ?? null}
        onChange={(next) =>
          void navigate({ to: '/settings', search: next === null ? {} : { tab: next }, replace: true })
        }
        keepMounted={false}
        className="tabs"
      >
        <Tabs.List className="tabs-list">
          {tabs.map(({ value, label }) => (
            <Tabs.Tab key={value} value={value}>
              {label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {tabs.map(({ value }) => (
          <Tabs.Panel key={value} value={value}>
            {content[value]}
          </Tabs.Panel>
        ))}
      </Tabs>
    </Page>
  )
}
