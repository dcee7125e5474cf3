import { Menu } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { counted } from '../../format/amounts.ts'
import { Icon } from '../../ui/icons.tsx'
import { failed, told } from '../../ui/notify.ts'
import { exportJobs, MOST_EXPORTED } from './export-jobs.ts'
import { type JobFilter, queryOf } from './filter.ts'

/** Has all jobs that the list shows saved as a file, loaded or not. */
export function ExportItem({ filter }: { filter: JobFilter }) {
  async function begin(): Promise<void> {
    const stopped = new AbortController()
    const message = (jobs: number) => `${counted(jobs, 'job')} so far; closing this stops it.`
    const id = notifications.show({
      ...{ title: 'Exporting', message: message(0), loading: true, autoClose: false },
      onClose: () => stopped.abort(),
    })
    try {
      // Batches that are folded are in it, job by job.
      const isWhole = await exportJobs(queryOf({ ...filter, fold: false }), {
        signal: stopped.signal,
        onProgress: (jobs) =>
          notifications.update({ id, title: 'Exporting', message: message(jobs), loading: true, autoClose: false }),
      })
      if (isWhole) told('Exported')
      else {
        const most = counted(MOST_EXPORTED, 'job')
        failed(`Exported ${most}, which are not all`, 'Narrow the list down, e.g. by date, and export each part.')
      }
    } catch (error) {
      if (!stopped.signal.aborted) failed('Could not export', error)
    } finally {
      notifications.hide(id)
    }
  }
  return (
    <Menu.Item leftSection={<Icon name="download" size={16} />} onClick={() => void begin()}>
      Export as CSV
    </Menu.Item>
  )
}
