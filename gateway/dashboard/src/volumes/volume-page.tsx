import { Button, Stack, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useParams } from '@tanstack/react-router'
import { useMemo, useState } from 'react'
import type { Volume } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { useMay } from '../app/session.ts'
import { FileBrowser } from '../files/browser.tsx'
import type { FilesPlace } from '../files/place.ts'
import { bytes, usd, usdExact } from '../format/amounts.ts'
import { exact, span } from '../format/time.ts'
import { useProviderNames } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Facts } from '../ui/facts.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { Page } from '../ui/page.tsx'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { StatusBadge } from '../ui/status-badge.tsx'
import { volumeKeys } from './queries.ts'

/** A volume: what is in it, and what keeping it has cost. */
export function VolumePage() {
  const { volumeId } = useParams({ from: '/signed-in/volumes/$volumeId' })
  const query = useQuery({
    queryKey: volumeKeys.one(volumeId),
    queryFn: async ({ signal }) => await client.volumes.get(volumeId, { signal }),
    staleTime: 0,
  })
  return <Loaded query={query}>{(volume) => <VolumeDetails key={volume.id} volume={volume} />}</Loaded>
}

function VolumeDetails({ volume }: { volume: Volume }) {
  const { id, name, size, provider, status, keep, idleSeconds, cost, createdAt, expiresAt } = volume
  const nameOf = useProviderNames()
  return (
    <Page title={name} badge={<StatusBadge status={status} />} description={id}>
      <Stack gap="md">
        <Card title="Volume">
          <Facts
            items={[
              ['Size', bytes(size)],
              ['Provider', nameOf(provider)],
              ['Made', exact(Date.parse(createdAt))],
              ['Kept after its last use', span(keep)],
              ['Goes', expiresAt && exact(Date.parse(expiresAt))],
              ['In no job for', span(idleSeconds)],
              ['Cost', usdExact(cost.current)],
            ]}
          />
        </Card>
        {status === 'kept' && <Content volume={volume} />}
        <Receipts id={id} />
      </Stack>
    </Page>
  )
}

/** Asked for only by who wants to see it: to look at it is a use, from which its time is counted anew. */
function Content({ volume: { id } }: { volume: Volume }) {
  const mayWrite = useMay('jobs:write')
  const [isOpen, setOpen] = useState(false)
  const place = useMemo(
    (): FilesPlace => ({
      key: volumeKeys.files(id),
      address: `/api/plugin-core/volumes/${encodeURIComponent(id)}/content`,
      what: 'the volume',
      list: async (path, options) => await client.volumes.files.list(id, path, options),
    }),
    [id],
  )
  if (isOpen) return <FileBrowser place={place} first="/" />
  return (
    <Card title="Files of the volume">
      <Text size="sm" mb="sm">
        {mayWrite
          ? 'They come from its provider. Looking at them is a use: the time that it is kept is counted from then.'
          : 'What jobs left there takes a key with jobs:write.'}
      </Text>
      {mayWrite && <Button onClick={() => setOpen(true)}>Look at its files</Button>}
    </Card>
  )
}

/** What both sides signed of what keeping it has cost. */
function Receipts({ id }: { id: string }) {
  const pages = usePages(
    volumeKeys.receipts(id),
    async (paging, options) => await client.volumes.receipts(id, paging, options),
  )
  return (
    <Card title="Receipts">
      <Paged
        pages={pages}
        empty={
          <Text size="sm" c="dimmed">
            There are none: keeping it has cost nothing yet.
          </Text>
        }
      >
        {(receipts) => (
          <PlainTable
            label="Receipts"
            heads={['Signed', 'For', { label: 'Per GB-hour', isRight: true }, { label: 'Cost', isRight: true }]}
          >
            {receipts.map(({ number, signedAt, seconds, pricePerGbHour, cost }) => (
              <Table.Tr key={number}>
                <Table.Td className="nowrap">{exact(Date.parse(signedAt))}</Table.Td>
                <Table.Td>{span(seconds)}</Table.Td>
                <Table.Td ta="right">{usd(pricePerGbHour)}</Table.Td>
                <Table.Td ta="right">{usdExact(cost)}</Table.Td>
              </Table.Tr>
            ))}
          </PlainTable>
        )}
      </Paged>
    </Card>
  )
}
