import type { Job } from '../../../../client/index.ts'
import { Empty } from '../../ui/empty.tsx'

/** A shell in the running container. */
export function Terminal({ job }: { job: Job }) {
  return (
    <Empty icon="terminal" title="Not in this page yet">
      Run a command in the container of {job.image} from a terminal:{' '}
      <code className="mono">cortex job exec {job.id} -- sh</code>
    </Empty>
  )
}
