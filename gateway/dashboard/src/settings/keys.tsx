import { Alert, Button, Checkbox, Code, Group, Modal, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Key } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { meQuery, useMay } from '../app/session.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Copy } from '../ui/copy.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'
import { NewKeyForm } from './new-key.tsx'

/** Who may use the gateway, and for what. */
export function Keys() {
  const mayWrite = useMay('keys:write')
  const { data: me } = useQuery(meQuery)
  const [isMaking, setMaking] = useState(false)
  const [made, setMade] = useState<(Key & { key: string }) | null>(null)
  const [leaving, setLeaving] = useState<Key | null>(null)
  const query = useQuery({
    queryKey: ['keys'],
    queryFn: async ({ signal }) => (await client.keys.list({ limit: 100 }, { signal })).items,
  })
  return (
    <Card
      title="API keys"
      actions={
        mayWrite && (
          <Button size="xs" onClick={() => setMaking(true)}>
            Create Key
          </Button>
        )
      }
    >
      <Loaded query={query}>
        {(keys) => (
          <PlainTable
            label="API keys"
            heads={['Name', 'Owner', 'May', 'Created', 'Expires', { label: 'Actions', isHidden: true }]}
          >
            {keys.map((key) => (
              <KeyRow
                key={key.id}
                apiKey={key}
                onRevoke={mayWrite && key.id !== me?.keyId ? () => setLeaving(key) : undefined}
              />
            ))}
          </PlainTable>
        )}
      </Loaded>
      <NewKeyForm isOpen={isMaking} onClose={() => setMaking(false)} onMade={setMade} />
      <MadeKey text={made?.key} onClose={() => setMade(null)} />
      <RevokeKey leaving={leaving} onClose={() => setLeaving(null)} />
    </Card>
  )
}

/** @param onRevoke undefined where it may not be revoked from here */
function KeyRow({ apiKey: key, onRevoke }: { apiKey: Key; onRevoke: (() => void) | undefined }) {
  return (
    <Table.Tr>
      <Table.Td>
        {key.name}
        <Text size="xs" c="dimmed" className="mono">
          {key.id}
          {key.madeBy !== null && `, made by ${key.madeBy}`}
        </Text>
      </Table.Td>
      <Table.Td>{key.owner}</Table.Td>
      <Table.Td>{key.permissions.join(', ')}</Table.Td>
      <Table.Td>
        <Ago at={Date.parse(key.createdAt) > 0 ? key.createdAt : null} />
      </Table.Td>
      <Table.Td>{key.expiresAt === null ? 'never' : <Ago at={key.expiresAt} />}</Table.Td>
      <Table.Td ta="right">
        {onRevoke && (
          <Button size="xs" variant="default" onClick={onRevoke} aria-label={`Revoke ${key.name}`}>
            Revoke
          </Button>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

/** The text of a key, which is shown once; nothing where there is none. */
function MadeKey({ text, onClose }: { text: string | undefined; onClose: () => void }) {
  return (
    <Modal
      opened={text !== undefined}
      onClose={onClose}
      title="Your new key"
      centered
      closeButtonProps={{ 'aria-label': 'Close' }}
    >
      <Stack>
        <Alert color="yellow" variant="light">
          It is shown this once. Copy it now; the gateway keeps no more than its hash.
        </Alert>
        <Group gap="xs" wrap="nowrap">
          <Code block className="break" data-testid="new-key">
            {text}
          </Code>
          <Copy text={text ?? ''} what="key" />
        </Group>
        <Button onClick={onClose}>I have copied it</Button>
      </Stack>
    </Modal>
  )
}

function RevokeKey({ leaving, onClose }: { leaving: Key | null; onClose: () => void }) {
  const [isWithMade, setWithMade] = useState(false)
  return (
    <Confirm
      isOpen={leaving !== null}
      title="Revoke key"
      confirm="Revoke"
      isDangerous
      onClose={() => {
        onClose()
        setWithMade(false)
      }}
      onConfirm={async () => {
        if (leaving === null) return
        await client.keys.revoke(leaving.id, { withMade: isWithMade })
        await queryClient.invalidateQueries({ queryKey: ['keys'] })
        told('Key revoked')
      }}
    >
      <Text size="sm">
        <strong>{leaving?.name}</strong> stops working at once, with every session and stream made with it. Keys that it
        made go on unless you end them, too.
      </Text>
      <Checkbox
        label="Also the keys that it made"
        checked={isWithMade}
        onChange={(event) => setWithMade(event.currentTarget.checked)}
      />
    </Confirm>
  )
}
