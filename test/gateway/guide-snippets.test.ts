import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { EventSource } from 'eventsource'
import { createGateway, type Gateway } from '../../gateway/index.ts'
import { silentLogger } from '../../node/logger.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { openTestNode, type TestNode } from './support/test-node.ts'

const GUIDE_ORIGIN = 'http://localhost:13000'
/** What the first snippet makes. */
interface SnippetResult {
  jobStatus: { success: boolean; data: { status: string } }
  logStream: EventSource
}
const AsyncFunction = (async () => {}).constructor as FunctionConstructor

describe('the snippets of the guide', () => {
  let folder: string
  let test: TestNode
  let snippets: string[]

  before(async () => {
    const page = await readFile(new URL('fixtures/job-management.md', import.meta.url), 'utf8')
    snippets = [...page.matchAll(/^```javascript\n(.*?)^```$/gms)].map(([, code = '']) => code)
    assert.equal(snippets.length, 2)
    folder = await mkdtemp(join(tmpdir(), 'cortex-gateway-'))
    test = await openTestNode()
  })
  after(async () => {
    await test.close()
    await rm(folder, { recursive: true })
  })

  /**
   * Runs a snippet as it stands. Only the world around it is set up: the port is the one that was free, the placeholder
   * for the key stands for a key, and a browser has its session.
   */
  async function run(gateway: Gateway, snippet: string, jobId: string, cookie?: string) {
    const own = gateway.url()
    const lines: string[] = []
    const printed = Promise.withResolvers<void>()
    const key = gateway.adminKey().text
    const here = (url: string) => url.replace(GUIDE_ORIGIN, own)
    class Source extends EventSource {
      constructor(url: string) {
        super(here(url), {
          fetch: (target, init) =>
            fetch(target, {
              ...init,
              headers: { ...init.headers, ...(cookie === undefined ? {} : { Cookie: cookie }) },
            }),
        })
      }
    }
    const world = {
      jobId,
      fetch: (url: string, init: RequestInit) => {
        const headers = new Headers(init.headers)
        assert.equal(headers.get('authorization'), 'Bearer YOUR_API_TOKEN')
        headers.set('authorization', `Bearer ${key}`)
        return fetch(here(url), { ...init, headers })
      },
      EventSource: Source,
      console: {
        log(line: string) {
          lines.push(line)
          if (lines.length === 2) printed.resolve()
        },
      },
    }
    const names = [...snippet.matchAll(/^const (\w+)/gm)].map(([, name]) => name)
    const body = `${snippet}\nreturn { ${names.join(', ')} }`
    const result: SnippetResult = await AsyncFunction(...Object.keys(world), body)(...Object.values(world))
    return { result, lines, printed: printed.promise }
  }

  async function runningJob(): Promise<string> {
    const spec = jobSubmissionSchema.parse({ image: 'busybox' })
    const { job } = await test.node.requester.submit({ owner: 'admin', spec })
    await test.play.start(job.id)
    await test.play.log(job.id, 'first')
    return job.id
  }

  async function follow(gateway: Gateway, cookie?: string): Promise<void> {
    const id = await runningJob()
    const [statusAndLogs = '', cancel = ''] = snippets
    const { result, lines, printed } = await run(gateway, statusAndLogs, id, cookie)
    try {
      assert.deepEqual([result.jobStatus.success, result.jobStatus.data.status], [true, 'running'])
      await test.play.log(id, 'second')
      await printed
      assert.deepEqual(lines, ['first', 'second'])
    } finally {
      result.logStream.close()
    }
    await run(gateway, cancel, id)
    assert.notEqual((await test.store.get(id))?.cancelRequestedAtMs, null)
  }

  it('work against an embedded gateway as they are', async () => {
    const gateway = createGateway(
      { node: test.node, logger: silentLogger },
      { folder, port: 0, openLoopbackStreams: true, rateLimits: { enforced: false } },
    )
    await gateway.start()
    try {
      await follow(gateway)
    } finally {
      await gateway.stop()
    }
  })

  it('work in a browser that opened the sign-in link of a gateway', async () => {
    const gateway = createGateway({ node: test.node, logger: silentLogger }, { folder, port: 0 })
    await gateway.start()
    try {
      const link = gateway.signInLink()
      const signedIn = await fetch(link, { redirect: 'manual' })
      assert.deepEqual([signedIn.status, signedIn.headers.get('location')], [302, '/'])
      const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
      assert.equal((await fetch(link, { redirect: 'manual' })).status, 401)
      await follow(gateway, cookie)
    } finally {
      await gateway.stop()
    }
  })
})
