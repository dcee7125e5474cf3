import { Menu } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type RefObject, useState } from 'react'
import { hasEnded } from '../../../../contract/job-status.ts'
import { client } from '../../app/client.ts'
import { useMay } from '../../app/session.ts'
import { Icon } from '../../ui/icons.tsx'
import { failed, told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { curlOf, submissionOf } from '../submission.ts'
import { CancelJob } from './cancel-job.tsx'
import { ExtendDuration } from './extend-duration.tsx'
import { SaveAsTemplate } from './save-as-template.tsx'

type Dialog = 'cancel' | 'extend' | 'template' | null

/**
 * Everything that can be done with a job: items of a menu, and the dialogs that they open.
 *
 * @param opener of the menu; it has the focus again once a dialog is closed
 */
export function useJobActions(job: JobRow, opener: RefObject<HTMLElement | null>) {
  const [dialog, setDialog] = useState<Dialog>(null)
  const navigate = useNavigate()
  const mayWrite = useMay('jobs:write')
  const mayKeep = useMay('templates:write')
  const isOver = hasEnded(job.status)
  const close = () => setDialog(null)
  // The dialog gives the focus back to what has it when it opens; an item of the menu will be gone when it closes.
  const ask = (next: Dialog) => {
    opener.current?.focus()
    setDialog(next)
  }

  async function resubmit(): Promise<void> {
    try {
      const { id } = await client.jobs.resubmit(job.id)
      told('Submitted again as a new job')
      await navigate({ to: '/jobs/$jobId', params: { jobId: id } })
    } catch (error) {
      failed('Could not submit it again', error)
    }
  }

  async function copyCurl(): Promise<void> {
    try {
      await navigator.clipboard.writeText(curlOf(submissionOf(job), location.origin))
      told('Copied; secrets and registry credentials are not in it')
    } catch (error) {
      failed('Could not copy', error)
    }
  }

  const items = (
    <>
      <Menu.Item
        disabled={!mayWrite || isOver}
        onClick={() => ask('extend')}
        leftSection={<Icon name="schedules" size={16} />}
      >
        Extend Duration
      </Menu.Item>
      <Menu.Item disabled={!mayWrite} onClick={() => void resubmit()} leftSection={<Icon name="play" size={16} />}>
        Resubmit
      </Menu.Item>
      <Menu.Item
        disabled={!mayWrite}
        onClick={() => void navigate({ to: '/jobs/create', search: { job: job.id } })}
        leftSection={<Icon name="edit" size={16} />}
      >
        Edit and Run
      </Menu.Item>
      <Menu.Item disabled={!mayKeep} onClick={() => ask('template')} leftSection={<Icon name="templates" size={16} />}>
        Save as Template
      </Menu.Item>
      <Menu.Item onClick={() => void copyCurl()} leftSection={<Icon name="copy" size={16} />}>
        Copy as curl
      </Menu.Item>
      <Menu.Divider />
      <Menu.Item
        disabled={!mayWrite || isOver}
        onClick={() => ask('cancel')}
        className="menu-danger"
        leftSection={<Icon name="close" size={16} />}
      >
        Cancel Job
      </Menu.Item>
    </>
  )
  const dialogs = (
    <>
      <CancelJob jobs={[job]} isOpen={dialog === 'cancel'} onClose={close} />
      <ExtendDuration job={job} isOpen={dialog === 'extend'} onClose={close} />
      <SaveAsTemplate job={job} isOpen={dialog === 'template'} onClose={close} />
    </>
  )
  return { items, dialogs, open: setDialog, isOver, mayWrite }
}
