import { Tabs } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { meQuery, useMay } from '../app/session.ts'
import { Page } from '../ui/page.tsx'
import { AuditLog } from './audit-log.tsx'
import { Keys } from './keys.tsx'
import { Notices } from './notices.tsx'
import { SshKeys } from './ssh-keys.tsx'
import { Webhooks } from './webhooks.tsx'

/** Keys, those of SSH, webhooks, notifications, and who changed what. */
export function SettingsPage() {
  const { tab } = useSearch({ from: '/signed-in/settings' })
  const { data: me } = useQuery(meQuery)
  const navigate = useNavigate()
  const seesKeys = useMay('keys:read')
  const reachesJobs = useMay('jobs:write')
  const seesWebhooks = useMay('webhooks:read')
  const first = seesKeys ? 'keys' : seesWebhooks ? 'webhooks' : 'notifications'
  return (
    <Page title="Settings">
      <Tabs
        value={tab ?? first}
        onChange={(next) =>
          void navigate({ to: '/settings', search: next === null ? {} : { tab: next }, replace: true })
        }
        keepMounted={false}
        className="tabs"
      >
        <Tabs.List className="tabs-list">
          {seesKeys && <Tabs.Tab value="keys">API keys</Tabs.Tab>}
          {reachesJobs && <Tabs.Tab value="ssh">SSH keys</Tabs.Tab>}
          {seesWebhooks && <Tabs.Tab value="webhooks">Webhooks</Tabs.Tab>}
          <Tabs.Tab value="notifications">Notifications</Tabs.Tab>
          {me?.admin && <Tabs.Tab value="audit">Audit log</Tabs.Tab>}
        </Tabs.List>
        <Tabs.Panel value="keys">{seesKeys && <Keys />}</Tabs.Panel>
        <Tabs.Panel value="ssh">{reachesJobs && <SshKeys />}</Tabs.Panel>
        <Tabs.Panel value="webhooks">{seesWebhooks && <Webhooks />}</Tabs.Panel>
        <Tabs.Panel value="notifications">
          <Notices />
        </Tabs.Panel>
        <Tabs.Panel value="audit">{me?.admin && <AuditLog />}</Tabs.Panel>
      </Tabs>
    </Page>
  )
}
