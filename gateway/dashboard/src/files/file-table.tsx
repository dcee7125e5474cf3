import { ActionIcon, Anchor, Table } from '@mantine/core'
import { useState } from 'react'
import type { ContainerFile } from '../../../client/index.ts'
import { bytes } from '../format/amounts.ts'
import { saveFrom } from '../format/save.ts'
import { shownText } from '../format/shown-text.ts'
import { Icon } from '../ui/icons.tsx'
import { failed } from '../ui/notify.ts'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'
import { inFolder } from './paths.ts'
import type { FilesPlace } from './place.ts'

interface FileTableProps {
  place: FilesPlace
  /** Of the folder, or of the file itself. */
  path: string
  entries: ContainerFile[]
  isFile: boolean
  onGo(path: string): void
}

/** What a folder holds. Its names are whatever somebody gave, and nothing but text. */
export function FileTable({ place, path, entries, isFile, onGo }: FileTableProps) {
  if (entries.length === 0) return null
  return (
    <PlainTable
      label="Files"
      heads={['Name', { label: 'Size', isRight: true }, 'Mode', 'Changed', { label: 'Download', isHidden: true }]}
    >
      {entries.map((file) => (
        <FileRow
          key={file.name}
          place={place}
          file={file}
          path={isFile ? path : inFolder(path, file.name)}
          onGo={onGo}
        />
      ))}
    </PlainTable>
  )
}

interface FileRowProps {
  place: FilesPlace
  file: ContainerFile
  path: string
  onGo(path: string): void
}

function FileRow({ place, file: { name, type, size, mode, mtime, linkTarget }, path, onGo }: FileRowProps) {
  const shown = shownText(name)
  const isFolder = type === 'folder'
  return (
    <Table.Tr>
      <Table.Td className="mono break">
        {isFolder || type === 'link' ? (
          <Anchor component="button" type="button" size="sm" ta="left" onClick={() => onGo(path)}>
            <bdi>{shown}</bdi>
            {isFolder && '/'}
          </Anchor>
        ) : (
          <bdi>{shown}</bdi>
        )}
        {linkTarget !== null && (
          <>
            {' → '}
            <bdi>{shownText(linkTarget)}</bdi>
          </>
        )}
      </Table.Td>
      <Table.Td ta="right" className="nowrap">
        {type === 'file' ? bytes(size) : type}
      </Table.Td>
      <Table.Td className="mono nowrap">{mode}</Table.Td>
      <Table.Td className="nowrap">
        <Ago at={mtime} />
      </Table.Td>
      <Table.Td ta="right">
        {(type === 'file' || isFolder) && <Download place={place} path={path} name={name} isFolder={isFolder} />}
      </Table.Td>
    </Table.Tr>
  )
}

interface DownloadProps {
  place: FilesPlace
  path: string
  name: string
  isFolder: boolean
}

function Download({ place, path, name, isFolder }: DownloadProps) {
  const [busy, setBusy] = useState(false)

  async function download(): Promise<void> {
    setBusy(true)
    try {
      // Asked for first, for what is wrong is told here and not by a file that holds an error.
      await place.list(path, { max: 0 })
      const query = new URLSearchParams({ path, ...(isFolder ? { as: 'tar' } : {}) })
      saveFrom(`${place.address}?${query}`, isFolder ? `${name || 'root'}.tar` : name)
    } catch (error) {
      failed(`Could not download ${shownText(path)}`, error)
    } finally {
      setBusy(false)
    }
  }

  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      loading={busy}
      aria-label={`Download ${shownText(name)}${isFolder ? ' as a tar' : ''}`}
      onClick={() => void download()}
    >
      <Icon name="download" size={16} />
    </ActionIcon>
  )
}
