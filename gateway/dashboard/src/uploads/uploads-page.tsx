import { Button, Group, Table, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Upload } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { bytes } from '../format/amounts.ts'
import { shownText } from '../format/shown-text.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Copy } from '../ui/copy.tsx'
import { DropZone, FolderButton } from '../ui/drop-zone.tsx'
import { Empty } from '../ui/empty.tsx'
import { told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { Paged, usePages } from '../ui/paged.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'
import { UploadProgress } from './upload-progress.tsx'
import { useUpload } from './use-upload.ts'

const KEY = ['uploads'] as const

/** Files, folders and images that were given for jobs to bring. */
export function UploadsPage() {
  const mayWrite = useMay('jobs:write')
  const pages = usePages<Upload>(KEY, client.uploads.list)
  const changed = () => void queryClient.invalidateQueries({ queryKey: KEY })
  const { state, send, stop } = useUpload(false, changed)
  const list = (
    <Paged
      pages={pages}
      empty={
        <Empty icon="up" title="No uploads">
          What is uploaded here, with a job, or by cortex job submit --input and cortex image push, is kept for a day
          after its last use.
        </Empty>
      }
    >
      {(uploads) => <UploadsTable uploads={uploads} onChange={changed} />}
    </Paged>
  )
  return (
    <Page
      title="Uploads"
      description="Files, folders and images for jobs to bring."
      actions={
        mayWrite && (
          <>
            <FolderButton size="sm" isMany={false} onFiles={(files) => void send(files)}>
              Upload a file
            </FolderButton>
            <FolderButton size="sm" isFolder onFiles={(files) => void send(files)}>
              Upload a folder
            </FolderButton>
          </>
        )
      }
    >
      {state !== null && <UploadProgress name="what was chosen" state={state} onStop={stop} />}
      {mayWrite ? (
        <DropZone label="Drop a file or folder here to upload" onFiles={(files) => void send(files)}>
          {list}
        </DropZone>
      ) : (
        list
      )}
    </Page>
  )
}

function UploadsTable({ uploads, onChange }: { uploads: Upload[]; onChange(): void }) {
  const [leaving, setLeaving] = useState<Upload | null>(null)
  return (
    <Card>
      <PlainTable
        label="Uploads"
        heads={['Name', 'Kind', 'Size', 'Uploaded', 'Forgotten', { label: 'Actions', isHidden: true }]}
      >
        {uploads.map((upload) => (
          <UploadRow key={upload.id} upload={upload} onDelete={() => setLeaving(upload)} />
        ))}
      </PlainTable>
      <Confirm
        isOpen={leaving !== null}
        title="Delete upload"
        confirm="Delete"
        isDangerous
        onClose={() => setLeaving(null)}
        onConfirm={async () => {
          if (leaving === null) return
          await client.uploads.delete(leaving.id)
          onChange()
          told('Upload deleted')
        }}
      >
        <Text size="sm">
          <strong>{shownText(leaving?.name ?? '')}</strong> is deleted: jobs, schedules and templates that name it can
          no longer bring it.
        </Text>
      </Confirm>
    </Card>
  )
}

function UploadRow({ upload, onDelete }: { upload: Upload; onDelete(): void }) {
  const { type, offset, length, complete, digest, createdAt, expiresAt } = upload
  const name = shownText(upload.name) || 'without a name'
  const mayWrite = useMay('jobs:write')
  return (
    <Table.Tr>
      <Table.Td className="break">
        <bdi>{name}</bdi>
        {digest !== null && (
          <Group gap={2} wrap="nowrap">
            <Text size="xs" c="dimmed" className="mono nowrap">
              {digest.slice(0, 19)}…
            </Text>
            <Copy text={digest} what={`digest of ${name}`} />
          </Group>
        )}
      </Table.Td>
      <Table.Td>{type}</Table.Td>
      <Table.Td className="nowrap">
        {complete
          ? bytes(offset)
          : `${bytes(offset)} ${length === null ? 'so far' : `of ${bytes(length)}`}, not complete`}
      </Table.Td>
      <Table.Td className="nowrap">
        <Ago at={createdAt} />
      </Table.Td>
      <Table.Td className="nowrap">
        <Ago at={expiresAt} />
      </Table.Td>
      <Table.Td>
        {mayWrite && (
          <Group gap="xs" justify="flex-end" wrap="nowrap">
            {digest !== null && (
              <Button
                size="xs"
                renderRoot={(props) => <Link to="/jobs/create" search={{ upload: digest }} {...props} />}
                aria-label={`Use in a new job: ${name}`}
              >
                Use in a new job
              </Button>
            )}
            <Button size="xs" variant="default" onClick={onDelete} aria-label={`Delete ${name}`}>
              Delete
            </Button>
          </Group>
        )}
      </Table.Td>
    </Table.Tr>
  )
}
