import { useEffect, useRef, useState } from 'react'
import type { Chosen } from '../ui/dropped-files.ts'
import { messageOf } from '../ui/problem.tsx'
import { inFolder } from './paths.ts'
import type { FilesPlace } from './place.ts'
import { sendFile } from './send-file.ts'

/** Files that did not go, of which each is named; the others are counted. */
const MOST_NAMED = 10

/** How far the files are that are sent into a folder. */
export interface UploadState {
  isBusy: boolean
  name: string
  files: number
  filesDone: number
  bytes: number
  bytesDone: number
  failures: { path: string; message: string }[]
  failed: number
  isCut: boolean
}

/** Sends files to where they are looked through, one after the other. What did not go is named, and the others go on. */
export function useUploads(place: Pick<FilesPlace, 'address'>, onDone: () => void) {
  const [state, setState] = useState<UploadState | null>(null)
  const over = useRef<AbortController | null>(null)
  useEffect(() => () => over.current?.abort(), [])

  async function send(folder: string, { files, isCut }: Chosen): Promise<void> {
    if (files.length === 0 || over.current !== null) return
    const scope = new AbortController()
    over.current = scope
    const bytes = files.reduce((sum, { file }) => sum + file.size, 0)
    let now: UploadState = {
      ...{ isBusy: true, name: '', files: files.length, filesDone: 0, bytes, bytesDone: 0, isCut },
      ...{ failures: [], failed: 0 },
    }
    const tell = (part: Partial<UploadState>): void => {
      now = { ...now, ...part }
      setState(now)
    }
    let before = 0
    for (const { path, file } of files) {
      if (scope.signal.aborted) break
      tell({ name: path })
      const address = `${place.address}?path=${encodeURIComponent(inFolder(folder, path))}`
      try {
        const onBytes = (sent: number): void => tell({ bytesDone: before + Math.min(sent, file.size) })
        await sendFile(address, file, onBytes, scope.signal)
        tell({ filesDone: now.filesDone + 1 })
      } catch (error) {
        if (scope.signal.aborted) break
        const failures = [...now.failures, { path, message: messageOf(error) }].slice(0, MOST_NAMED)
        tell({ failures, failed: now.failed + 1 })
      }
      before += file.size
      tell({ bytesDone: before })
    }
    over.current = null
    tell({ isBusy: false })
    onDone()
  }

  return { state, send, stop: () => over.current?.abort(new Error('stopped')), dismiss: () => setState(null) }
}
