import { TextInput } from '@mantine/core'
import { useState } from 'react'
import { Confirm } from '../../ui/confirm.tsx'

interface SaveViewProps {
  isOpen: boolean
  /** Names that others have. */
  taken: string[]
  onSave(name: string): void
  onClose(): void
}

/** Asks under which name the view is kept. */
export function SaveView({ isOpen, taken, onSave, onClose }: SaveViewProps) {
  const [name, setName] = useState('')
  const isTaken = taken.includes(name.trim())
  return (
    <Confirm
      isOpen={isOpen}
      title="Save this view"
      confirm="Save"
      dismiss="Close"
      isDisabled={name.trim() === '' || isTaken}
      onConfirm={async () => {
        onSave(name.trim())
        setName('')
      }}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        description="Kept in this browser. To share it, share the page’s address."
        value={name}
        error={isTaken && 'There is a view of this name.'}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
    </Confirm>
  )
}
