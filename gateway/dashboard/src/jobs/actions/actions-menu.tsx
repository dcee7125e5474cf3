import { Menu } from '@mantine/core'
import { type ComponentProps, useEffect, useRef, useState } from 'react'
import { Icon } from '../../ui/icons.tsx'
import type { JobRow } from '../job-row.ts'
import { useJobActions } from './job-actions.tsx'

/** The three dots of a row. What they open is made at the first click: a table that is scrolled through has hundreds. */
export function ActionsMenu({ job }: { job: JobRow }) {
  const [isUsed, setUsed] = useState(false)
  return isUsed ? <OpenMenu job={job} /> : <Dots job={job} aria-haspopup="menu" onClick={() => setUsed(true)} />
}

function OpenMenu({ job }: { job: JobRow }) {
  const target = useRef<HTMLButtonElement>(null)
  const { items, dialogs } = useJobActions(job, target)
  const [isOpen, setOpen] = useState(false)

  // Opened a moment later, so that the focus comes back to the dots that are there now.
  useEffect(() => {
    target.current?.focus()
    setOpen(true)
  }, [])

  return (
    <>
      <Menu position="bottom-end" withinPortal opened={isOpen} onChange={setOpen}>
        <Menu.Target>
          {/* The menu closes by the key itself only once it has the focus, which it takes a moment after it shows. */}
          <Dots job={job} ref={target} onKeyDown={({ key }) => key === 'Escape' && setOpen(false)} />
        </Menu.Target>
        <Menu.Dropdown>{items}</Menu.Dropdown>
      </Menu>
      {dialogs}
    </>
  )
}

function Dots({ job, ...rest }: { job: JobRow } & ComponentProps<'button'>) {
  return (
    <button
      {...rest}
      type="button"
      className="row-dots"
      aria-label={`Actions of ${job.name ?? job.image ?? 'the job'}`}
      title="Actions"
    >
      <Icon name="dots" />
    </button>
  )
}
