import { useMemo } from 'react'
import type { Job } from '../../../../client/index.ts'
import { client } from '../../app/client.ts'
import { useMay } from '../../app/session.ts'
import { FileBrowser } from '../../files/browser.tsx'
import { wholePath } from '../../files/paths.ts'
import type { FilesPlace } from '../../files/place.ts'
import { Empty } from '../../ui/empty.tsx'

/** The files of the running container: looked through, downloaded, and added to. */
export function Files({ job }: { job: Job }) {
  const { id } = job
  const mayWrite = useMay('jobs:write')
  const place = useMemo(
    (): FilesPlace => ({
      key: ['jobs', 'files', id],
      address: `/api/plugin-core/jobs/${encodeURIComponent(id)}/files`,
      what: 'the container',
      list: async (path, options) => await client.jobs.files.list(id, path, options),
    }),
    [id],
  )
  if (!mayWrite) {
    return (
      <Empty icon="file" title="Your key may not do this">
        The files of a container are whatever it works with, so they take a key with{' '}
        <code className="mono">jobs:write</code>.
      </Empty>
    )
  }
  if (job.status !== 'running') {
    return (
      <Empty icon="file" title="The container does not run">
        Files can be reached while it runs. What it leaves at its outputs is under Outputs when it has ended.
      </Empty>
    )
  }
  return <FileBrowser place={place} first={wholePath(String(job.config['workdir'] ?? '/'))} />
}
