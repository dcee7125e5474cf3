import { lazy } from 'react'
import { AtFirstClick } from '../../ui/at-first-click.tsx'
import type { JobRow } from '../job-row.ts'
import { Dots } from './dots.tsx'

const OpenMenu = lazy(async () => ({ default: (await import('./open-menu.tsx')).OpenMenu }))

/** The three dots of a row. What they open is made at the first click: a table that is scrolled through has hundreds. */
export function ActionsMenu({ job }: { job: JobRow }) {
  return (
    <AtFirstClick button={(props) => <Dots job={job} {...props} />}>
      <OpenMenu job={job} />
    </AtFirstClick>
  )
}
