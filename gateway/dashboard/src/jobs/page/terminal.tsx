import type { Job } from '../../../../client/index.ts'
import { Empty } from '../../ui/empty.tsx'

/** A shell in the running container. */
export function Terminal({ job }: { job: Job }) {
  return (
    <Empty icon="terminal" title="Not offered by this provider">
      The provider of {job.image} does not let anybody run commands in its containers. The Logs tab shows what the
      container writes.
    </Empty>
  )
}
