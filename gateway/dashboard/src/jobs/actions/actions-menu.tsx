import { ActionIcon, Menu } from '@mantine/core'
import { Icon } from '../../ui/icons.tsx'
import type { JobRow } from '../list/apply-change.ts'
import { useJobActions } from './job-actions.tsx'

/** The three dots of a row. */
export function ActionsMenu({ job }: { job: JobRow }) {
  const { items, dialogs } = useJobActions(job)
  return (
    <>
      <Menu position="bottom-end" withinPortal>
        <Menu.Target>
          <ActionIcon variant="subtle" color="gray" aria-label={`Actions of ${job.image ?? 'the job'}`} title="Actions">
            <Icon name="dots" />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>{items}</Menu.Dropdown>
      </Menu>
      {dialogs}
    </>
  )
}
