import { Button } from '@mantine/core'
import { type ReactNode, useRef, useState } from 'react'
import { type Chosen, chosenFiles, droppedFiles, holdsFiles } from './dropped-files.ts'
import { failed } from './notify.ts'

interface DropZoneProps {
  /** Shown while something is held over it. */
  label: string
  onFiles(files: Chosen): void
  children: ReactNode
}

/** Takes files and folders that are dropped on what it holds. There is always a button that does the same. */
export function DropZone({ label, onFiles, children }: DropZoneProps) {
  const [isOver, setOver] = useState(false)
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: whoever does not drag has the buttons in it
    <div
      className="drop-zone"
      data-over={isOver || undefined}
      onDragOver={(event) => {
        if (!holdsFiles(event.dataTransfer)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false)
      }}
      onDrop={(event) => {
        setOver(false)
        if (!holdsFiles(event.dataTransfer)) return
        event.preventDefault()
        event.stopPropagation()
        droppedFiles(event.dataTransfer).then(onFiles, (error) => failed('What was dropped cannot be read', error))
      }}
    >
      {isOver && <div className="drop-label">{label}</div>}
      {children}
    </div>
  )
}

interface FolderButtonProps {
  /** Whether a folder is chosen, or files. @default false */
  isFolder?: boolean
  /** Whether several files may be. @default true */
  isMany?: boolean
  /** What is read aloud. @default what is shown */
  label?: string
  size?: string
  onFiles(files: Chosen): void
  children: ReactNode
}

/** Chooses files, or a folder, of this machine. */
export function FolderButton(props: FolderButtonProps) {
  const { isFolder = false, isMany = true, label, size = 'xs', onFiles, children } = props
  const input = useRef<HTMLInputElement>(null)
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple={isMany}
        {...(isFolder ? { webkitdirectory: '' } : {})}
        onChange={({ currentTarget }) => {
          const files = chosenFiles([...(currentTarget.files ?? [])])
          // The same may be chosen again.
          currentTarget.value = ''
          if (files.files.length > 0) onFiles(files)
        }}
      />
      <Button size={size} variant="default" aria-label={label} onClick={() => input.current?.click()}>
        {children}
      </Button>
    </>
  )
}
