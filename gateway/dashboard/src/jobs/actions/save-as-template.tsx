import { Text, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import { client } from '../../app/client.ts'
import { queryClient } from '../../app/query.ts'
import { Confirm } from '../../ui/confirm.tsx'
import { told } from '../../ui/notify.ts'
import type { JobRow } from '../job-row.ts'
import { submissionOf } from '../submission.ts'

/** Keeps what a job was made of under a name. */
export function SaveAsTemplate({ job, isOpen, onClose }: { job: JobRow; isOpen: boolean; onClose(): void }) {
  const [name, setName] = useState('')
  const [description, setDescription] = useState('')

  async function save(): Promise<void> {
    await client.templates.create({ name, description, config: submissionOf(job) })
    await queryClient.invalidateQueries({ queryKey: ['templates'] })
    told(`Saved as the template ${name}`)
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Save as Template"
      confirm="Save Template"
      dismiss="Close"
      isDisabled={name.trim() === ''}
      onConfirm={save}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
        maxLength={128}
        required
        data-autofocus
      />
      <Textarea
        label="Description"
        value={description}
        onChange={(event) => setDescription(event.currentTarget.value)}
        maxLength={2000}
        autosize
        minRows={2}
      />
      <Text size="sm" c="dimmed">
        Secrets and registry credentials are not known here: add them to the template afterwards.
      </Text>
    </Confirm>
  )
}
