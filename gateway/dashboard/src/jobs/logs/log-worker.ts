/** Reads and keeps a job's log apart from the page, which so stays smooth whatever a container writes. */
import { CortexClient } from '../../../../client/index.ts'
import { createGate } from '../../streams/gate.ts'
import { borrowStreams } from '../../streams/relay.ts'
import { createLogBuffer } from './log-buffer.ts'
import type { FromWorker, LogExtent, ToWorker } from './protocol.ts'

/** How often the page is told how long the log is, in ms. */
const TELL_MS = 120
/** Lines after which others get their turn. */
const BREATH = 5_000
/** Lines that are looked at for a view until others, and another view, get theirs. */
const SLICE = 20_000

const buffer = createLogBuffer()
let state: LogExtent['state'] = 'reading'
let problem = ''
let telling: ReturnType<typeof setTimeout> | undefined
/** Until all lines were looked at for the view, or for the next one. */
let looking = Promise.resolve()
let views = 0

function post(message: FromWorker): void {
  self.postMessage(message)
}

/** Tells of a line once it is known which are shown. */
async function postFound(find: () => number): Promise<void> {
  for (let awaited: Promise<void> | undefined; awaited !== looking; ) {
    awaited = looking
    await awaited
  }
  const index = find()
  post({ type: 'found', index, match: buffer.matchAt(index) })
}

async function look(): Promise<void> {
  views += 1
  for (const view = views; view === views && !buffer.look(SLICE); ) {
    tellSoon()
    await new Promise((resolve) => setTimeout(resolve, 0))
  }
  tellNow()
}

function tellNow(): void {
  clearTimeout(telling)
  telling = undefined
  post({ type: 'extent', extent: { ...buffer.extent(), marks: buffer.marks(), state, problem } })
}

function tellSoon(): void {
  telling ??= setTimeout(tellNow, TELL_MS)
}

const gate = createGate()

async function read(jobId: string, streams: MessagePort): Promise<void> {
  const client = new CortexClient({
    baseUrl: self.origin,
    fetch: borrowStreams(streams),
    streams: { maxReconnects: Number.POSITIVE_INFINITY, maxReconnectDelayMs: 5_000, ready: gate.ready },
  })
  const onConnection = (connection: 'open' | 'broken') => {
    state = connection === 'open' ? 'reading' : gate.isShut() ? 'asleep' : 'lost'
    tellSoon()
  }
  try {
    let count = 0
    for await (const line of client.jobs.logs(jobId, { follow: true, onConnection })) {
      buffer.add(line)
      tellSoon()
      count += 1
      if (count % BREATH === 0) await new Promise((resolve) => setTimeout(resolve, 0))
    }
    state = 'ended'
  } catch (error) {
    state = 'failed'
    problem = error instanceof Error ? error.message : String(error)
  }
  tellNow()
}

self.onmessage = ({ data }: MessageEvent<ToWorker>) => {
  switch (data.type) {
    case 'open':
      void read(data.jobId, data.streams)
      return
    case 'pause':
      if (data.isPaused) gate.shut()
      else gate.open()
      return
    case 'view':
      buffer.setView(data.view)
      looking = look()
      return
    case 'rows':
      post({ type: 'rows', from: data.from, rows: buffer.rows(data.from, data.count) })
      return
    case 'seek':
      void postFound(() => buffer.seek(data.from, data.isForward))
      return
    case 'locate':
      void postFound(() => buffer.locate(data.number))
      return
    case 'failure':
      void postFound(() => buffer.failure())
      return
    case 'save':
      post({ type: 'file', blob: new Blob([...buffer.parts(data.withTimes)], { type: 'text/plain' }) })
  }
}
