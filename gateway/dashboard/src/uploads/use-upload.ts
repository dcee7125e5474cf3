import { useEffect, useRef, useState } from 'react'
import { client } from '../app/client.ts'
import { bytes, counted, number } from '../format/amounts.ts'
import { shownText } from '../format/shown-text.ts'
import { type Chosen, MOST_FILES } from '../ui/dropped-files.ts'
import { messageOf } from '../ui/problem.tsx'
import { asUpload } from './tar-upload.ts'

/** How far an upload is; its share goes to 100. */
export interface Progressing {
  share: number
  text: string
  isWrong?: boolean
}

/**
 * Uploads what is chosen, in place of what it uploads so far.
 * @param isFile whether a folder is none
 * @param onDigest told what a job brings it by
 */
export function useUpload(isFile: boolean, onDigest: (digest: string) => void) {
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
