/**
 * The package `cortex-client`: made, packed, installed somewhere else, and run against a gateway on each runtime that it
 * is for; in a browser it is tried by `test/browser/client-package.test.ts`.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { type ServedGateway, serveTestGateway } from '../gateway/support/served-gateway.ts'
import { ADMIN_KEY } from '../gateway/support/test-gateway.ts'
import { closeAll } from '../support/close-all.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

/** Submits a job, waits for its first event, and meets an error by its class. */
const PROGRAM = `
import { CortexClient, NotFoundError } from 'cortex-client'
const [baseUrl, apiKey] = process.argv.slice(-2)
const client = new CortexClient({ baseUrl, apiKey })
const job = await client.jobs.submit({ image: 'busybox', labels: { from: 'elsewhere' } })
const found = await client.jobs.list({ labels: { from: 'elsewhere' }, status: 'pending' })
for await (const event of client.jobs.events(job.id)) {
  console.log(event.type, found.items.some(({ id }) => id === job.id))
  break
}
console.log(await client.jobs.get('job_nothing').catch((error) => error instanceof NotFoundError && error.code))
`

/** Uses the types as a program of a browser does: without those of Node. */
const TYPED = `
import { CortexClient, type Job } from 'cortex-client'
const client = new CortexClient({ baseUrl: 'http://localhost:13000' })
const job: Job = await client.jobs.submit({ image: 'busybox' })
// @ts-expect-error: there is no such status, which only the types that were written out know
const wrong: boolean = job.status === 'walking'
// @ts-expect-error: a submission needs an image
await client.jobs.submit({ cpu: 1 })
export { wrong }
`

describe('cortex-client', () => {
  let folder: string
  let consumer: string
  let gateway: ServedGateway

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-client-'))
    consumer = join(folder, 'consumer')
    const from = join(folder, 'made')
    await execute(process.execPath, [join(root, 'scripts/client-package.ts'), from], { cwd: root })
    const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', folder, ...quiet], { cwd: from })
    const [{ filename }] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string }]
    await install(consumer, join(folder, filename), '--ignore-scripts')
    await writeFile(join(consumer, 'use.mjs'), PROGRAM)
    gateway = await serveTestGateway()
  })

  after(async () => {
    await closeAll(
      async () => await gateway?.close(),
      async () => await rm(folder, { recursive: true, force: true }),
    )
  })

  const args = (): string[] => ['use.mjs', gateway.url, ADMIN_KEY]

  test('brings one package, and is of the same version as cortex-node', async () => {
    const installed = (await readdir(join(consumer, 'node_modules'))).filter((name) => !name.startsWith('.'))
    assert.deepEqual(installed.sort(), ['cortex-client', 'eventsource-parser'])
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
    const own = await readFile(join(consumer, 'node_modules/cortex-client/package.json'), 'utf8')
    assert.equal(JSON.parse(own).version, version)
  })

  test('its types need no other package', async () => {
    await writeFile(join(consumer, 'use.mts'), TYPED)
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--ignoreConfig']
    const browser = ['--lib', 'es2024,dom,dom.iterable,dom.asynciterable', '--types', '']
    await execute(join(root, 'node_modules/.bin/tsc'), [...options, ...browser, 'use.mts'], { cwd: consumer })
  })

  test('runs on Node', async () => {
    const { stdout } = await execute(process.execPath, args(), { cwd: consumer })
    assert.equal(stdout, 'created true\nJOB_NOT_FOUND\n')
  })

  for (const { name, words } of [
    { name: 'deno', words: ['run', '--allow-net', '--allow-env', '--node-modules-dir=manual'] },
    { name: 'bun', words: ['run'] },
  ]) {
    test(`runs on ${name}`, async (t) => {
      const home = join(folder, name)
      const missing = await install(home, name).then(
        () => null,
        (error: unknown) => String(error),
      )
      if (missing !== null) return t.skip(`the npm package ${name} could not be installed here: ${missing}`)
      const { stdout } = await execute(join(home, 'node_modules/.bin', name), [...words, ...args()], { cwd: consumer })
      assert.equal(stdout, 'created true\nJOB_NOT_FOUND\n')
    })
  }
})

/** Makes a project at `folder` with one package in it. */
async function install(folder: string, ...what: string[]): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await execute('npm', ['install', ...what, ...quiet], { cwd: folder })
}
