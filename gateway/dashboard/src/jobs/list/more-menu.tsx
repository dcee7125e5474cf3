import { Menu } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { Icon } from '../../ui/icons.tsx'
import { useOpenedLate } from '../../ui/use-opened-late.ts'
import { useAllActions } from './all-actions.tsx'
import { ExportItem } from './export-item.tsx'
import type { JobFilter } from './filter.ts'
import { MoreButton } from './more-button.tsx'

/** What else can be made, and what can be done with all jobs that the list shows. */
export function MoreMenu({ filter, mayWrite }: { filter: JobFilter; mayWrite: boolean }) {
  const { menu, button } = useOpenedLate()
  const { items, dialogs } = useAllActions(filter)
  return (
    <>
      <Menu position="bottom-end" withinPortal {...menu}>
        <Menu.Target>
          <MoreButton {...button} />
        </Menu.Target>
        <Menu.Dropdown>
          {mayWrite && (
            <>
              <Menu.Item component={Link} to="/jobs/batches/create" leftSection={<Icon name="batches" size={16} />}>
                Create Batch
              </Menu.Item>
              <Menu.Item component={Link} to="/jobs/schedules/create" leftSection={<Icon name="schedules" size={16} />}>
                Create Schedule
              </Menu.Item>
              <Menu.Item component={Link} to="/jobs/templates" leftSection={<Icon name="templates" size={16} />}>
                Create Job from Template
              </Menu.Item>
              <Menu.Item
                renderRoot={(props) => <Link to="/jobs/create" search={{ machine: 'yes' }} {...props} />}
                leftSection={<Icon name="terminal" size={16} />}
              >
                Create a machine to work in
              </Menu.Item>
              <Menu.Divider />
            </>
          )}
          <ExportItem filter={filter} />
          {mayWrite && items}
        </Menu.Dropdown>
      </Menu>
      {dialogs}
    </>
  )
}
