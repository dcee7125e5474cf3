import { Button, Group, Progress, Text } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import { client } from '../../app/client.ts'
import { bytes, counted, number } from '../../format/amounts.ts'
import { shownText } from '../../format/shown-text.ts'
import { DropZone, FolderButton } from '../../ui/drop-zone.tsx'
import { type Chosen, MOST_FILES } from '../../ui/dropped-files.ts'
import { messageOf } from '../../ui/problem.tsx'
import { kindOf, SOURCE_KINDS, SOURCE_NAMES, type SourceProps } from './source-kinds.tsx'
import { asUpload } from './tar-upload.ts'

/** How far an upload is; its share goes to 100. */
interface Progressing {
  share: number
  text: string
  isWrong?: true
}

/** Where an input comes from: one kind's fields, the others beside them. Files may be dropped on any. */
export function Source(props: SourceProps & { /** Whether a folder is none. */ isFile?: boolean }) {
  const { name, from, onChange, isFile = false } = props
  const kind = kindOf(from)
  const { Fields } = SOURCE_KINDS[kind]
  const { state, send, stop } = useUpload(isFile, (upload) => onChange({ upload }))
  return (
    <div className="form-source">
      <DropZone
        label={`Drop ${isFile ? 'a file' : 'files or a folder'} here to upload`}
        onFiles={(files) => void send(files)}
      >
        <Fields {...props} />
        <Group gap={6} mt={4}>
          <FolderButton
            size="compact-xs"
            isMany={!isFile}
            label={`Choose a file for ${name}`}
            onFiles={(files) => void send(files)}
          >
            Choose a file
          </FolderButton>
          {!isFile && (
            <FolderButton
              size="compact-xs"
              isFolder
              label={`Choose a folder for ${name}`}
              onFiles={(files) => void send(files)}
            >
              Choose a folder
            </FolderButton>
          )}
          {SOURCE_NAMES.filter((other) => other !== kind).map((other) => (
            <Button
              key={other}
              size="compact-xs"
              variant="default"
              aria-label={`${SOURCE_KINDS[other].offer} for ${name}`}
              onClick={() => onChange(SOURCE_KINDS[other].begin)}
            >
              {SOURCE_KINDS[other].offer}
            </Button>
          ))}
        </Group>
        {state !== null && (
          <Group gap={6} mt={4} role="status">
            <Text size="xs" className={state.isWrong ? 'bad-text break' : 'break'}>
              {state.text}
            </Text>
            {state.share < 100 && !state.isWrong && (
              <Button size="compact-xs" variant="default" onClick={stop} aria-label={`Stop the upload of ${name}`}>
                Stop
              </Button>
            )}
          </Group>
        )}
        {state !== null && state.share < 100 && !state.isWrong && (
          <Progress value={state.share} size="xs" mt={4} aria-label={`Progress of the upload of ${name}`} />
        )}
      </DropZone>
    </div>
  )
}

function useUpload(isFile: boolean, onDigest: (digest: string) => void) {
  const [state, setState] = useState<Progressing | null>(null)
  const over = useRef<AbortController | null>(null)
  useEffect(() => () => over.current?.abort(), [])
  // The form goes on being filled in while it uploads: what is changed then is of what it is by the end.
  const latest = useRef(onDigest)
  latest.current = onDigest

  async function send(chosen: Chosen): Promise<void> {
    over.current?.abort()
    const scope = new AbortController()
    over.current = scope
    const wrong = (text: string): void => setState({ share: 0, text, isWrong: true })
    if (chosen.isCut)
      return wrong(`That is more than ${number(MOST_FILES)} files: give it as a tar, or use the command line`)
    if (chosen.files.length === 0) return wrong('There is no file in it')
    const { source, type, name, size } = asUpload(chosen)
    if (isFile && type === 'folder') return wrong('One file, please: a standard input is no folder')
    const shown = shownText(name)
    const tell = (done: number): void => {
      if (scope.signal.aborted) return
      const share = size === 0 ? 0 : Math.min(99, (100 * done) / size)
      setState({ share, text: `${shown}: ${bytes(Math.min(done, size))} of ${bytes(size)}` })
    }
    tell(0)
    try {
      const { digest } = await client.uploads.create(source, { type, name, onProgress: tell, signal: scope.signal })
      const many = type === 'folder' ? `, ${counted(chosen.files.length, 'file')}` : ''
      setState({ share: 100, text: `${shown}${many}, ${bytes(size)} uploaded` })
      if (digest !== null) latest.current(digest)
    } catch (problem) {
      if (!scope.signal.aborted) wrong(messageOf(problem))
    }
  }

  function stop(): void {
    over.current?.abort(new Error('stopped'))
    setState(null)
  }

  return { state, send, stop }
}
