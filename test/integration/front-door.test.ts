/** What `import 'cortex-node'` gives: the example of each docstring is run as it stands, but for names of this machine. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { before, describe, it, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { startLocalNetwork } from '../../scripts/local-network.ts'

const ROOT = join(import.meta.dirname, '../..')
const DOOR = pathToFileURL(join(ROOT, 'bin/index.ts')).href
const execute = promisify(execFile)

/** The code of the example in the docstring of a function. */
async function exampleOf(file: string, name: string): Promise<string> {
  const source = await readFile(join(ROOT, file), 'utf8')
  const docstring = source.slice(0, source.search(new RegExp(`^export (?:async )?function ${name}\\b`, 'm')))
  const [, example] = /@example\n \* ```ts\n(.*?) \* ```\n/s.exec(docstring.slice(docstring.lastIndexOf('/**'))) ?? []
  assert.ok(example !== undefined, `${name} has an example`)
  return example.replaceAll(/^ \* ?/gm, '')
}

/** Runs it in a folder of its own; answers what it printed. */
async function run(test: TestContext, example: string, here: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cortex-front-door-'))
  test.after(async () => await rm(folder, { recursive: true, force: true }))
  let code = example
  for (const [name, ours] of Object.entries({ "'cortex-node'": `'${DOOR}'`, ...here })) {
    assert.ok(code.includes(name), `the example holds ${name}`)
    code = code.replaceAll(name, ours)
  }
  await writeFile(join(folder, 'example.ts'), code)
  const { stdout } = await execute(process.execPath, ['example.ts'], { cwd: folder })
  return stdout
}

describe('the front door', () => {
  let dockerHost: string

  before(async () => {
    const engine = await ensureEngine()
    dockerHost = `unix://${engine.socketPath}`
    await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
  })

  it('asks for a job, follows it, and brings what it left', async (test) => {
    const network = await startLocalNetwork({ dockerHost, agents: [{ name: 'attic', flags: [] }], isPassing: true })
    test.after(async () => await network.stop())
    const printed = await run(test, await exampleOf('node/client-node.ts', 'startClientNode'), {
      '/ip4/127.0.0.1/tcp/13100': network.peer,
      "'busybox'": "'cortex/busybox:1'",
    })
    assert.match(printed, /^event created\n/)
    assert.match(printed, /^line hello$/m)
    assert.match(printed, /^bid of attic accepted$/m)
    assert.match(printed, /^completed and left \d+ bytes$/m)
  })

  it('sells a machine', async (test) => {
    const printed = await run(test, await exampleOf('provider-agent/start-provider.ts', 'startProvider'), {
      '/ip4/127.0.0.1/tcp/13100': '/ip4/127.0.0.1/tcp/0',
    })
    assert.match(printed, /^selling as 12D3Koo\w+\n$/)
  })

  it('serves a node over HTTP', async (test) => {
    const printed = await run(test, await exampleOf('gateway/gateway.ts', 'createGateway'), {
      'port: 13000': 'port: 0',
    })
    assert.match(printed, /^health 200 sign in by http:\/\/localhost:\d+\/sign-in\S+\n$/)
  })
})
