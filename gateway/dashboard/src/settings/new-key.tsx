import { MultiSelect, Select, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Key, NewKey } from '../../../client/index.ts'
import { DEFAULT_GRANTS, GRANTS } from '../../../contract/permissions.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { meQuery } from '../app/session.ts'
import { Confirm } from '../ui/confirm.tsx'

const DAY_MS = 86_400_000
const LIVES = { never: 0, '30 days': 30, '90 days': 90, '1 year': 365 } as const

interface NewKeyFormProps {
  isOpen: boolean
  onClose(): void
  onMade(key: Key & { key: string }): void
}

/** Makes a key, which `onMade` gets with its text: that is shown this once. */
export function NewKeyForm({ isOpen, onClose, onMade }: NewKeyFormProps) {
  const { data: me } = useQuery(meQuery)
  const [name, setName] = useState('')
  const [owner, setOwner] = useState('')
  const [grants, setGrants] = useState<string[]>([...DEFAULT_GRANTS])
  const [life, setLife] = useState<keyof typeof LIVES>('90 days')

  async function make(): Promise<void> {
    const days = LIVES[life]
    const key = await client.keys.create({
      name,
      permissions: grants as NonNullable<NewKey['permissions']>,
      ...(owner === '' ? {} : { owner }),
      ...(days === 0 ? {} : { expiresAt: new Date(Date.now() + days * DAY_MS).toISOString() }),
    })
    await queryClient.invalidateQueries({ queryKey: ['keys'] })
    setName('')
    onMade(key)
  }

  return (
    <Confirm
      isOpen={isOpen}
      title="Create Key"
      confirm="Create Key"
      dismiss="Close"
      isDisabled={name.trim() === '' || grants.length === 0}
      onConfirm={make}
      onClose={onClose}
    >
      <TextInput
        label="Name"
        required
        value={name}
        maxLength={128}
        onChange={(event) => setName(event.currentTarget.value)}
        data-autofocus
      />
      {me?.admin && (
        <TextInput
          label="Owner"
          description="Whose jobs it sees; empty is your own."
          placeholder={me.id}
          value={owner}
          onChange={(event) => setOwner(event.currentTarget.value)}
        />
      )}
      <MultiSelect label="May" data={[...GRANTS]} value={grants} onChange={setGrants} />
      <Select
        label="Expires"
        data={Object.keys(LIVES)}
        value={life}
        allowDeselect={false}
        onChange={(value) => setLife((value ?? 'never') as keyof typeof LIVES)}
      />
    </Confirm>
  )
}
