import { lazy, Suspense, useState } from 'react'
import type { JobRow } from '../job-row.ts'
import { Dots } from './dots.tsx'

const OpenMenu = lazy(async () => ({ default: (await import('./open-menu.tsx')).OpenMenu }))

/** The three dots of a row. What they open is made at the first click: a table that is scrolled through has hundreds. */
export function ActionsMenu({ job }: { job: JobRow }) {
  const [isUsed, setUsed] = useState(false)
  if (!isUsed) return <Dots job={job} aria-haspopup="menu" onClick={() => setUsed(true)} />
  return (
    <Suspense fallback={<Dots job={job} aria-haspopup="menu" />}>
      <OpenMenu job={job} />
    </Suspense>
  )
}
