import { useQuery } from '@tanstack/react-query'
import { meQuery, useMay } from '../app/session.ts'

/** A part of the settings, and what it is called in the address. */
export interface SettingsTab {
  value: 'keys' | 'ssh' | 'webhooks' | 'notifications' | 'audit' | 'gateway'
  label: string
}

/** Those that somebody with this key may see. */
export function useSettingsTabs(): SettingsTab[] {
  const { data: me } = useQuery(meQuery)
  const seesKeys = useMay('keys:read')
  const reachesJobs = useMay('jobs:write')
  const seesWebhooks = useMay('webhooks:read')
  return [
    ...(seesKeys ? [{ value: 'keys', label: 'API keys' } as const] : []),
    ...(reachesJobs ? [{ value: 'ssh', label: 'SSH keys' } as const] : []),
    ...(seesWebhooks ? [{ value: 'webhooks', label: 'Webhooks' } as const] : []),
    { value: 'notifications', label: 'Notifications' },
    ...(me?.admin ? [{ value: 'audit', label: 'Audit log' } as const] : []),
    { value: 'gateway', label: 'This gateway' },
  ]
}
