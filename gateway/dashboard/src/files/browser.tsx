import { Anchor, Button, Group, Text, TextInput } from '@mantine/core'
import { useInfiniteQuery } from '@tanstack/react-query'
import { useState } from 'react'
import { queryClient } from '../app/query.ts'
import { number } from '../format/amounts.ts'
import { shownText } from '../format/shown-text.ts'
import { Card } from '../ui/card.tsx'
import { DropZone, FolderButton } from '../ui/drop-zone.tsx'
import { Outline } from '../ui/loaded.tsx'
import { Problem } from '../ui/problem.tsx'
import { FileTable } from './file-table.tsx'
import { stepsOf, wholePath } from './paths.ts'
import type { FilesPlace } from './place.ts'
import { UploadBar } from './upload-bar.tsx'
import { useUploads } from './use-uploads.ts'

/** Entries of a folder that are asked for at a time. */
const AT_A_TIME = 200

/** Folders and files: looked through, downloaded, and added to. @param props.first the folder that it begins with */
export function FileBrowser({ place, first }: { place: FilesPlace; first: string }) {
  const [path, setPath] = useState(first)
  const { key } = place
  const uploads = useUploads(place, () => void queryClient.invalidateQueries({ queryKey: key }))
  const query = useInfiniteQuery({
    queryKey: [...key, path],
    queryFn: async ({ pageParam, signal }) =>
      await place.list(path, {
        ...{ max: AT_A_TIME, signal },
        ...(pageParam === undefined ? {} : { cursor: pageParam }),
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ nextCursor }) => nextCursor ?? undefined,
    staleTime: 0,
    // What is not there is not there a moment later either.
    retry: false,
  })
  const [look] = query.data?.pages ?? []
  const entries = query.data?.pages.flatMap((page) => page.entries ?? []) ?? []
  return (
    <Card title={`Files of ${place.what}`}>
      <DropZone
        label="Drop files or folders here to put them into this folder"
        onFiles={(files) => void uploads.send(path, files)}
      >
        <PathBar path={path} what={place.what} onGo={setPath} />
        <Group gap="xs" my="sm">
          <FolderButton onFiles={(files) => void uploads.send(path, files)}>Upload files</FolderButton>
          <FolderButton isFolder onFiles={(files) => void uploads.send(path, files)}>
            Upload a folder
          </FolderButton>
          <Button size="xs" variant="default" loading={query.isRefetching} onClick={() => void query.refetch()}>
            Look again
          </Button>
        </Group>
        {uploads.state !== null && (
          <UploadBar state={uploads.state} onStop={uploads.stop} onDismiss={uploads.dismiss} />
        )}
        {query.isPending && <Outline rows={4} />}
        {query.isError && <Problem error={query.error} onRetry={() => void query.refetch()} />}
        {look !== undefined && !query.isError && (
          <>
            <FileTable
              place={place}
              path={path}
              entries={look.entries === null ? [look] : entries}
              isFile={look.entries === null}
              onGo={setPath}
            />
            <Counted shown={entries.length} total={look.total} isComplete={look.complete} />
            {query.hasNextPage && (
              <Button
                size="xs"
                variant="default"
                loading={query.isFetchingNextPage}
                onClick={() => void query.fetchNextPage()}
              >
                Show more
              </Button>
            )}
          </>
        )}
      </DropZone>
    </Card>
  )
}

function Counted({ shown, total, isComplete }: { shown: number; total: number | null; isComplete: boolean }) {
  if (total === null) return null
  if (total === 0)
    return (
      <Text size="sm" c="dimmed">
        This folder is empty.
      </Text>
    )
  return (
    <Text size="sm" c="dimmed" my="sm">
      {shown < total
        ? `The first ${number(shown)} of ${number(total)} entries.`
        : `${number(total)} ${total === 1 ? 'entry' : 'entries'}.`}
      {!isComplete && ' The folder is too large for all of it to be looked at: downloaded, it comes as a whole.'}
    </Text>
  )
}

function PathBar({ path, what, onGo }: { path: string; what: string; onGo(path: string): void }) {
  const [typed, setTyped] = useState(path)
  const [shown, setShown] = useState(path)
  if (shown !== path) {
    setShown(path)
    setTyped(path)
  }
  return (
    <>
      <nav aria-label="Folders above">
        <Group gap={4} className="mono break">
          {stepsOf(path).map((step, i) => (
            <span key={step.path}>
              {i > 1 && '/ '}
              <Anchor component="button" type="button" size="sm" mih={24} miw={24} onClick={() => onGo(step.path)}>
                <bdi>{shownText(step.name)}</bdi>
              </Anchor>
            </span>
          ))}
        </Group>
      </nav>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          onGo(wholePath(typed))
        }}
      >
        <Group gap="xs" mt={6} wrap="nowrap">
          <TextInput
            aria-label={`Path in ${what}`}
            value={typed}
            onChange={(event) => setTyped(event.currentTarget.value)}
            classNames={{ input: 'mono' }}
            spellCheck={false}
            autoComplete="off"
            flex={1}
          />
          <Button type="submit" variant="default">
            Go
          </Button>
        </Group>
      </form>
    </>
  )
}
