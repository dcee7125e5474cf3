import { Menu } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { Icon } from '../ui/icons.tsx'
import { failed } from '../ui/notify.ts'
import { useOpenedLate } from '../ui/use-opened-late.ts'
import { AccountName } from './account-name.tsx'
import { meQuery, signOut } from './session.ts'

/** The menu of whoever is signed in. */
export function Account() {
  const { data: me } = useQuery(meQuery)
  const navigate = useNavigate()
  const { menu, button } = useOpenedLate()

  async function leave(): Promise<void> {
    try {
      await signOut()
      await navigate({ to: '/login' })
    } catch (error) {
      failed('Could not sign out', error)
    }
  }

  return (
    <Menu position="bottom-end" withinPortal {...menu}>
      <Menu.Target>
        <AccountName id={me?.id} {...button} />
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
