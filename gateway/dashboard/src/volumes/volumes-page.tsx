import { Badge, Button, Checkbox, Group, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Volume } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { bytes, usd } from '../format/amounts.ts'
import { saveFrom } from '../format/save.ts'
import { useProviderNames } from '../jobs/queries.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Copy } from '../ui/copy.tsx'
import { Empty } from '../ui/empty.tsx'
import { failed, told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'
import { ExtendVolume } from './extend-volume.tsx'
import { volumeKeys } from './queries.ts'

/** Those that can still be used, or are about to go. */
const HERE: Volume['status'][] = ['kept', 'deleting']

/** Volumes that outlive the jobs that left them. */
export function VolumesPage() {
  const [showsGone, setShowsGone] = useState(false)
  const pages = usePages<Volume>(
    [...volumeKeys.all, showsGone],
    async (paging, options) =>
      await client.volumes.list({ ...paging, ...(showsGone ? {} : { status: HERE }) }, options),
  )
  return (
    <Page
      title="Volumes"
      description="What jobs left at their providers for the next ones."
      actions={
        <Checkbox
          label="Also those that are gone"
          checked={showsGone}
          onChange={(event) => setShowsGone(event.currentTarget.checked)}
        />
      }
    >
      <Paged
        pages={pages}
        empty={
          <Empty icon="volumes" title="No volumes">
            A job keeps one where a volume of its form says for how many days; jobs that take it up run at the provider
            at which it lies.
          </Empty>
        }
      >
        {(volumes) => <VolumesTable volumes={volumes} />}
      </Paged>
    </Page>
  )
}

function VolumesTable({ volumes }: { volumes: Volume[] }) {
  const [extending, setExtending] = useState<Volume | null>(null)
  const [leaving, setLeaving] = useState<Volume | null>(null)
  const nameOf = useProviderNames()
  const changed = async () => await queryClient.invalidateQueries({ queryKey: volumeKeys.all })
  return (
    <Card>
      <PlainTable
        label="Volumes"
        heads={[
          'Name',
          'Size',
          'Provider',
          'Goes',
          { label: 'Cost', isRight: true },
          'Left by',
          { label: 'Actions', isHidden: true },
        ]}
      >
        {volumes.map((volume) => (
          <VolumeRow
            key={volume.id}
            volume={volume}
            provider={nameOf(volume.provider)}
            onExtend={() => setExtending(volume)}
            onDelete={() => setLeaving(volume)}
          />
        ))}
      </PlainTable>
      {extending !== null && (
        <ExtendVolume key={extending.id} volume={extending} onDone={changed} onClose={() => setExtending(null)} />
      )}
      <Confirm
        isOpen={leaving !== null}
        title="Delete volume"
        confirm="Delete"
        isDangerous
        onClose={() => setLeaving(null)}
        onConfirm={async () => {
          if (leaving === null) return
          const { status } = await client.volumes.delete(leaving.id)
          await changed()
          told(status === 'deleting' ? 'It is deleted once its provider is back' : 'Volume deleted')
        }}
      >
        <Text size="sm">
          <strong>{leaving?.name}</strong> is deleted with all that is in it, for good.
        </Text>
      </Confirm>
    </Card>
  )
}

interface VolumeRowProps {
  volume: Volume
  provider: string
  onExtend(): void
  onDelete(): void
}

function VolumeRow({ volume, provider, onExtend, onDelete }: VolumeRowProps) {
  const { id, name, size, job, status } = volume
  const mayWrite = useMay('jobs:write')
  return (
    <Table.Tr>
      <Table.Td className="break">
        <Link to="/volumes/$volumeId" params={{ volumeId: id }} className="text-link">
          <bdi>{name}</bdi>
        </Link>
        <Group gap={2} wrap="nowrap">
          <Text size="xs" c="dimmed" className="mono nowrap">
            {id}
          </Text>
          <Copy text={id} what="volume id" />
        </Group>
      </Table.Td>
      <Table.Td className="nowrap">{bytes(size)}</Table.Td>
      <Table.Td>
        <Link to="/network/$providerId" params={{ providerId: volume.provider }} className="text-link">
          {provider}
        </Link>
        <ProviderState volume={volume} />
      </Table.Td>
      <Table.Td className="nowrap">
        <Going volume={volume} />
      </Table.Td>
      <Table.Td ta="right">
        <Cost volume={volume} />
      </Table.Td>
      <Table.Td>
        <JobLink job={job} />
      </Table.Td>
      <Table.Td>
        {status === 'kept' && mayWrite && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            <Button
              size="xs"
              renderRoot={(props) => <Link to="/jobs/create" search={{ volume: id }} {...props} />}
              aria-label={`Use in a new job: ${name}`}
            >
              Use in a new job
            </Button>
            <Download volume={volume} />
            <Button size="xs" variant="default" onClick={onExtend} aria-label={`Extend ${name}`}>
              Extend
            </Button>
            <Button size="xs" variant="default" onClick={onDelete} aria-label={`Delete ${name}`}>
              Delete
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function Download({ volume: { id, name } }: { volume: Volume }) {
  const [busy, setBusy] = useState(false)

  async function download(): Promise<void> {
    setBusy(true)
    try {
      // Asked for first, for what is wrong is told here and not by a file that holds an error.
      await client.volumes.files.list(id, '/', { max: 0 })
      saveFrom(`/api/plugin-core/volumes/${encodeURIComponent(id)}/content?path=%2F`, `${name}.tar`)
    } catch (error) {
      failed(`Could not download ${name}`, error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Button
      size="xs"
      variant="default"
      loading={busy}
      onClick={() => void download()}
      aria-label={`Download ${name} as a tar`}
    >
      Download
    </Button>
  )
}

/** So far, and how much it can become. */
function Cost({ volume: { pricePerGbHour, cost, status } }: { volume: Volume }) {
  if (pricePerGbHour === 0) return '–'
  return (
    <>
      {usd(cost.current)}
      <Text size="xs" c="dimmed">
        {usd(pricePerGbHour)} per GB-hour unused{status === 'kept' && `, at most ${usd(cost.most)}`}
      </Text>
    </>
  )
}

function JobLink({ job }: { job: string }) {
  return (
    <Link to="/jobs/$jobId" params={{ jobId: job }} className="text-link mono">
      …{job.slice(-8)}
    </Link>
  )
}

function ProviderState({ volume: { status, providerStatus, draining } }: { volume: Volume }) {
  if (status !== 'kept') return null
  const what = draining ? 'takes no more jobs: save what you need' : providerStatus === 'online' ? null : providerStatus
  return what === null ? null : (
    <Text size="xs" c={draining ? 'red' : 'dimmed'}>
      {what}
    </Text>
  )
}

const GONE: Record<Exclude<Volume['status'], 'kept'>, string> = {
  deleting: 'once its provider is back',
  deleted: 'deleted',
  gone: 'gone',
}

function Going({ volume: { status, inUse, usedBy, expiresAt } }: { volume: Volume }) {
  if (status !== 'kept')
    return (
      <Badge color="gray" variant="light">
        {GONE[status]}
      </Badge>
    )
  if (inUse)
    return (
      <>
        <Badge variant="light">in use</Badge>
        {usedBy.map((job) => (
          <Text key={job} size="xs">
            by <JobLink job={job} />
          </Text>
        ))}
      </>
    )
  return expiresAt === null ? '–' : <Ago at={expiresAt} />
}
