import { Button, Group } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { type Dispatch, type SetStateAction, useCallback, useState } from 'react'
import { hasEnded } from '../../../../contract/job-status.ts'
import { useMay } from '../../app/session.ts'
import { counted } from '../../format/amounts.ts'
import { ManyDialogs } from '../actions/many-dialogs.tsx'
import type { JobRow } from '../job-row.ts'
import { exportRows } from './export-jobs.ts'

/** What can be done with the jobs that are selected. */
export function BulkBar({
  jobs,
  onChoose,
}: {
  jobs: JobRow[]
  onChoose: Dispatch<SetStateAction<ReadonlySet<string>>>
}) {
  const mayWrite = useMay('jobs:write')
  const [asks, setAsks] = useState<'cancel' | 'resubmit' | null>(null)
  /** What a dialog is about: those that were selected as it opened, whatever comes and goes behind it. */
  const [asked, setAsked] = useState<JobRow[]>([])
  const clear = () => onChoose(new Set())
  const unchoose = useCallback(
    (id: string) => onChoose((chosen) => new Set([...chosen].filter((one) => one !== id))),
    [onChoose],
  )
  const [a, b, ...more] = jobs.map(({ id }) => id).toSorted()
  const open = jobs.filter(({ status }) => !hasEnded(status))
  function ask(what: 'cancel' | 'resubmit', about: JobRow[]): void {
    setAsked(about)
    setAsks(what)
  }

  return (
    <>
      {jobs.length > 0 && (
        <Group className="bulk-bar" gap="sm" role="status">
          <span>{jobs.length} selected</span>
          {mayWrite && open.length > 0 && (
            <Button size="xs" color="red" onClick={() => ask('cancel', open)}>
              Cancel {open.length === 1 ? 'Job' : `${open.length} jobs`}
            </Button>
          )}
          {mayWrite && (
            <Button size="xs" variant="default" onClick={() => ask('resubmit', jobs)}>
              Resubmit {counted(jobs.length, 'job')}
            </Button>
          )}
          {a && b && more.length === 0 && (
            <Button
              size="xs"
              variant="default"
              renderRoot={(props) => <Link {...props} to="/jobs/compare" search={{ a, b }} />}
            >
              Compare
            </Button>
          )}
          <Button size="xs" variant="default" onClick={() => exportRows(jobs)}>
            Export {counted(jobs.length, 'job')}
          </Button>
          <Button size="xs" variant="default" onClick={clear}>
            Clear
          </Button>
        </Group>
      )}
      <ManyDialogs
        asks={asks}
        jobs={asked}
        onClose={() => setAsks(null)}
        onCancelled={clear}
        onResubmitted={unchoose}
      />
    </>
  )
}
