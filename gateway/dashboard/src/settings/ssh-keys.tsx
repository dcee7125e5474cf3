import { Badge, Button, Table, Text, Textarea, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { SshKey } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'

/** Public keys by which jobs are reached over SSH. */
export function SshKeys() {
  const mayWrite = useMay('jobs:write')
  const [isAdding, setAdding] = useState(false)
  const [leaving, setLeaving] = useState<SshKey | null>(null)
  const query = useQuery({
    queryKey: ['ssh-keys'],
    queryFn: async ({ signal }) => (await client.sshKeys.list({ limit: 100 }, { signal })).items,
  })
  return (
    <Card
      title="SSH keys"
      actions={
        mayWrite && (
          <Button size="xs" onClick={() => setAdding(true)}>
            Add SSH Key
          </Button>
        )
      }
    >
      <Text size="sm" c="dimmed">
        They open jobs by <code>ssh JOB@gateway</code> where the gateway was started with <code>--ssh</code>.{' '}
        <code>cortex ssh</code> needs none.
      </Text>
      <Loaded query={query}>
        {(keys) => (
          <PlainTable label="SSH keys" heads={['Name', 'Owner', 'Added', { label: 'Actions', isHidden: true }]}>
            {keys.map((key) => (
              <SshKeyRow key={key.id} sshKey={key} onRemove={mayWrite ? () => setLeaving(key) : undefined} />
            ))}
          </PlainTable>
        )}
      </Loaded>
      <AddSshKey isOpen={isAdding} onClose={() => setAdding(false)} />
      <RemoveSshKey leaving={leaving} onClose={() => setLeaving(null)} />
    </Card>
  )
}

/** @param onRemove undefined where it may not be removed */
function SshKeyRow({ sshKey, onRemove }: { sshKey: SshKey; onRemove: (() => void) | undefined }) {
  const { name, owner, fingerprint, keyId, active, createdAt } = sshKey
  return (
    <Table.Tr>
      <Table.Td>
        {name} {!active && <Badge color="gray">opens nothing</Badge>}
        <Text size="xs" c="dimmed" className="mono break">
          {fingerprint}, by {keyId}
        </Text>
      </Table.Td>
      <Table.Td>{owner}</Table.Td>
      <Table.Td>
        <Ago at={createdAt} />
      </Table.Td>
      <Table.Td ta="right">
        {onRemove && (
          <Button size="xs" variant="default" onClick={onRemove} aria-label={`Remove ${name}`}>
            Remove
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function AddSshKey({ isOpen, onClose }: { isOpen: boolean; onClose(): void }) {
  const [publicKey, setPublicKey] = useState('')
  const [name, setName] = useState('')
  return (
    <Confirm
      isOpen={isOpen}
      title="Add SSH Key"
      confirm="Add SSH Key"
      dismiss="Close"
      isDisabled={publicKey.trim() === ''}
      onClose={onClose}
      onConfirm={async () => {
        await client.sshKeys.add({ publicKey: publicKey.trim(), ...(name.trim() === '' ? {} : { name: name.trim() }) })
        await queryClient.invalidateQueries({ queryKey: ['ssh-keys'] })
        setPublicKey('')
        setName('')
      }}
    >
      <Textarea
        label="Public key"
        description="The line of ~/.ssh/id_ed25519.pub; it is over with the API key you are signed in with."
        required
        rows={3}
        value={publicKey}
        onChange={(event) => setPublicKey(event.currentTarget.value)}
        data-autofocus
      />
      <TextInput
        label="Name"
        description="Empty: what stands behind the key."
        maxLength={128}
        value={name}
        onChange={(event) => setName(event.currentTarget.value)}
      />
    </Confirm>
  )
}

function RemoveSshKey({ leaving, onClose }: { leaving: SshKey | null; onClose(): void }) {
  return (
    <Confirm
      isOpen={leaving !== null}
      title="Remove SSH key"
      confirm="Remove"
      isDangerous
      onClose={onClose}
      onConfirm={async () => {
        if (leaving === null) return
        await client.sshKeys.remove(leaving.id)
        await queryClient.invalidateQueries({ queryKey: ['ssh-keys'] })
        told('SSH key removed')
      }}
    >
      <Text size="sm">
        <strong>{leaving?.name}</strong> opens nothing any more, and connections that it opened end at once.
      </Text>
    </Confirm>
  )
}
