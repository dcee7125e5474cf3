import { Button, Group } from '@mantine/core'
import { DropZone, FolderButton } from '../../ui/drop-zone.tsx'
import { UploadProgress } from '../../uploads/upload-progress.tsx'
import { useUpload } from '../../uploads/use-upload.ts'
import { kindOf, SOURCE_KINDS, SOURCE_NAMES, type SourceProps } from './source-kinds.tsx'

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
        {state !== null && <UploadProgress name={name} state={state} onStop={stop} />}
      </DropZone>
    </div>
  )
}
