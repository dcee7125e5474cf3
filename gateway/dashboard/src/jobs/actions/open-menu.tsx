import { Menu } from '@mantine/core'
import { useOpenedLate } from '../../ui/use-opened-late.ts'
import type { JobRow } from '../job-row.ts'
import { Dots } from './dots.tsx'
import { useJobActions } from './job-actions.tsx'

/** The menu of a row whose dots were clicked, and what it asks. */
export function OpenMenu({ job }: { job: JobRow }) {
  const { target, menu, button } = useOpenedLate()
  const { items, dialogs } = useJobActions(job, target)
  return (
    <>
      <Menu position="bottom-end" withinPortal {...menu}>
        <Menu.Target>
          <Dots job={job} {...button} />
        </Menu.Target>
        <Menu.Dropdown>{items}</Menu.Dropdown>
      </Menu>
      {dialogs}
    </>
  )
}
