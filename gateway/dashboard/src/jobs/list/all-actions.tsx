import { Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useState } from 'react'
import { OPEN_STATUSES } from '../../../../contract/job-status.ts'
import { Icon } from '../../ui/icons.tsx'
import { failed, told } from '../../ui/notify.ts'
import { allThatMatch } from '../actions/all-that-match.ts'
import { ManyDialogs } from '../actions/many-dialogs.tsx'
import type { JobRow } from '../job-row.ts'
import { type JobFilter, queryOf } from './filter.ts'

const NONE: JobRow[] = []

/** What can be done with all jobs that the list shows, loaded or not, folded or not: items of a menu, and their dialogs. */
export function useAllActions(filter: JobFilter) {
  const [asks, setAsks] = useState<'cancel' | 'resubmit' | null>(null)
  /** Those that matched as the dialog opened. */
  const [asked, setAsked] = useState(NONE)
  const close = () => setAsks(null)

  async function ask(what: 'cancel' | 'resubmit'): Promise<void> {
    const id = notifications.show({ message: 'Looking for all that match', loading: true, autoClose: false })
    try {
      const query = queryOf(filter)
      const status = OPEN_STATUSES.filter((open) => filter.status?.includes(open) ?? true)
      const isNone = what === 'cancel' && status.length === 0
      const jobs = isNone ? [] : await allThatMatch({ ...query, ...(what === 'cancel' && { status }) })
      if (jobs.length === 0) {
        told(what === 'cancel' ? 'None of those that match goes on' : 'No job matches')
        return
      }
      setAsked(jobs)
      setAsks(what)
    } catch (error) {
      failed('Could not look for all that match', error)
    } finally {
      notifications.hide(id)
    }
  }

  const items = (
    <>
      <Menu.Item leftSection={<Icon name="play" size={16} />} onClick={() => void ask('resubmit')}>
        Resubmit all that match
      </Menu.Item>
      <Menu.Item
        className="menu-danger"
        leftSection={<Icon name="close" size={16} />}
        onClick={() => void ask('cancel')}
      >
        Cancel all that match
      </Menu.Item>
    </>
  )
  return { items, dialogs: <ManyDialogs asks={asks} jobs={asked} onClose={close} onResubmitted={ignore} /> }
}

/** One that was submitted again shows in the list. */
function ignore(): void {}
