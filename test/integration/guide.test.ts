/** The snippets of the user's guide, as they stand, against `cortex up` with a real container. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it, mock } from 'node:test'
import { pathToFileURL } from 'node:url'
import Docker from 'dockerode'
import { EventSource } from 'eventsource'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { until } from '../support/until.ts'
import { type Program, startCortex } from './support/program.ts'

const FIXTURE = pathToFileURL(join(import.meta.dirname, '..', 'gateway', 'fixtures', 'job-management.md'))
const AsyncFunction = (async () => {}).constructor as FunctionConstructor

describe('the guide’s page against cortex up', () => {
  let engine: EngineHandle
  let folder: string
  let image: string
  let up: Program
  let base: string
  let key: string
  const global = globalThis as { EventSource?: unknown }
  const earlier = global.EventSource

  before(async () => {
    engine = await ensureEngine()
    image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
    folder = await mkdtemp(join(tmpdir(), 'cortex-guide-'))
    const flags = ['--port', '0', '--no-mdns', '--bootstrap', '', '--listen', '/ip4/127.0.0.1/tcp/0', '--stop-jobs']
    const where = [
      '--data',
      folder,
      '--network',
      `guide-${process.pid}`,
      '--docker-host',
      `unix://${engine.socketPath}`,
    ]
    up = startCortex(['up', ...flags, ...where])
    base = (await up.says(/^gateway +(\S+)$/m))[1] ?? ''
    key = (await up.says(/^admin key +(\S+)/m))[1] ?? ''
    global.EventSource = EventSource
  })
  after(async () => {
    global.EventSource = earlier
    up?.child.kill('SIGTERM')
    await closeAll(
      async () => await up?.ended,
      async () => folder && (await rm(folder, { recursive: true, force: true })),
      async () => await engine?.stop(),
    )
  })

  /** What a reader does before running it: puts in the address and the key. */
  function filledIn(snippet: string): string {
    const here = snippet.replaceAll('http://localhost:13000', base).replaceAll('YOUR_API_TOKEN', key)
    assert.notEqual(here, snippet)
    return here
  }

  async function call(method: string, path: string, json?: object) {
    const response = await fetch(`${base}/api/plugin-core${path}`, {
      method,
      headers: { Authorization: `Bearer ${key}`, 'Content-Type': 'application/json' },
      ...(json === undefined ? {} : { body: JSON.stringify(json) }),
    })
    // biome-ignore lint/suspicious/noExplicitAny: answers of several shapes
    return ((await response.json()) as { data: any }).data
  }

  it('reads a job’s status, follows its log line by line, and cancels it', async () => {
    const page = await readFile(FIXTURE, 'utf8')
    const [statusAndLogs = '', cancel = ''] = [...page.matchAll(/^```javascript\n(.*?)^```$/gms)].map(
      ([, code]) => code,
    )
    await until(async () => (await call('GET', '/providers')).length === 1)
    const small = { cpu: 100, memory: '16Mi', storage: '16Mi', stopGraceSeconds: 1 }
    const args = ["trap 'exit 0' TERM; echo first; echo second; while :; do sleep 0.1; done"]
    const { id: jobId } = await call('POST', '/jobs', { image, command: ['sh', '-c'], args, ...small })
    await until(async () => (await call('GET', `/jobs/${jobId}`)).status === 'running')

    const lines: string[] = []
    const log = mock.method(console, 'log', (line: string) => void lines.push(line))
    const run = new AsyncFunction('jobId', `${filledIn(statusAndLogs)}\nreturn { jobStatus, logStream }`)
    const { jobStatus, logStream } = await run(jobId)
    try {
      assert.deepEqual([jobStatus.success, jobStatus.data.id, jobStatus.data.status], [true, jobId, 'running'])
      await until(() => lines.length === 2)
      assert.deepEqual(lines, ['first', 'second'])
      await new AsyncFunction('jobId', filledIn(cancel))(jobId)
      await until(async () => (await call('GET', `/jobs/${jobId}`)).status === 'cancelled')
    } finally {
      logStream.close()
      log.mock.restore()
    }
  })
})
