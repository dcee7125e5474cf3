import { useCallback, useEffect, useRef, useState } from 'react'
import { onPause, pageStreams } from '../../app/page-streams.ts'
import { save } from '../../format/save.ts'
import { lendStreams } from '../../streams/relay.ts'
import type { FromWorker, LogExtent, LogRow, LogView, ToWorker } from './protocol.ts'

const EMPTY: LogExtent = {
  ...{ lines: 0, shown: 0, matches: 0, marks: [], attempts: [], first: 1 },
  ...{ state: 'reading', problem: '' },
}

/** A job's log, read in a worker; only the rows that are asked for come over. */
export function useLog(jobId: string, view: LogView, onFound: (found: Extract<FromWorker, { type: 'found' }>) => void) {
  const worker = useRef<Worker>(null)
  const found = useRef(onFound)
  found.current = onFound
  const [extent, setExtent] = useState(EMPTY)
  const [rows, setRows] = useState<LogRow[]>([])

  const send = useCallback((message: ToWorker) => worker.current?.postMessage(message), [])

  useEffect(() => {
    const started = new Worker(new URL('./log-worker.ts', import.meta.url), { type: 'module' })
    worker.current = started
    started.onmessage = ({ data }: MessageEvent<FromWorker>) => {
      if (data.type === 'extent') setExtent(data.extent)
      else if (data.type === 'rows') setRows(data.rows)
      else if (data.type === 'found') found.current(data)
      else save(data.blob, `${jobId}.log`)
    }
    const tell = (message: ToWorker): void => started.postMessage(message)
    const tellPause = (): void => tell({ type: 'pause', isPaused: pageStreams.isShut() })
    tellPause()
    const { port1, port2 } = new MessageChannel()
    const takeBack = lendStreams(port1, pageStreams.fetch)
    started.postMessage({ type: 'open', jobId, streams: port2 } satisfies ToWorker, [port2])
    const stop = onPause(tellPause)
    return () => {
      stop()
      started.terminate()
      takeBack()
    }
  }, [jobId])

  const { stream, attempt, search, onlyMatches } = view
  useEffect(
    () => send({ type: 'view', view: { stream, attempt, search, onlyMatches } }),
    [send, stream, attempt, search, onlyMatches],
  )

  return { extent, rows, send }
}
