/** What is published: packed, installed somewhere else and run on the oldest Node that it is for and on the newest. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

describe('the published package', () => {
  let folder: string
  let files: string[]
  let consumer: string
  /** A project that holds Node 22 alone. */
  let oldest: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-package-'))
    consumer = join(folder, 'consumer')
    oldest = join(folder, 'oldest')
    const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', folder, ...quiet], { cwd: root })
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }]
    files = packed.files.map((file) => file.path)
    await Promise.all([
      install(consumer, join(folder, packed.filename), '--ignore-scripts'),
      install(oldest, 'node@22'),
    ])
  })

  after(async () => await rm(folder, { recursive: true, force: true }))

  test('holds the program and the license, and no source, test or script', () => {
    for (const wanted of ['dist/bin/cortex.js', 'package.json', 'LICENSE', 'README.md']) {
      assert.ok(files.includes(wanted), wanted)
    }
    assert.deepEqual(files.filter((path) => /^(?!dist\/)/.test(path)).sort(), ['LICENSE', 'README.md', 'package.json'])
    assert.deepEqual(
      files.filter((path) => /(?<!\.d)\.tsx?$/.test(path)),
      [],
    )
  })

  test('its types are found by TypeScript', async () => {
    await writeFile(
      join(consumer, 'use.mts'),
      `import type { ClientNode } from 'cortex-node'
declare const node: ClientNode
// @ts-expect-error: only where the types behind the package's front door were found, too, is this wrong
const store: number = node.store
import { CortexClient } from 'cortex-node/client'
const client = new CortexClient({ baseUrl: 'http://localhost:13000' })
// @ts-expect-error: likewise
const job: number = await client.jobs.get('job_000000000000')
export { job, store }
`,
    )
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024']
    await execute(join(root, 'node_modules/.bin/tsc'), [...options, '--ignoreConfig', 'use.mts'], { cwd: consumer })
  })

  for (const { major, home } of [
    { major: 22, home: () => oldest },
    { major: 24, home: () => root }, // what this checkout itself runs on
  ]) {
    describe(`on Node ${major}`, () => {
      let env: NodeJS.ProcessEnv
      const cortex = (...args: string[]) => execute(join(consumer, 'node_modules/.bin/cortex'), args, { env })

      before(async () => {
        env = { ...process.env, PATH: [join(home(), 'node_modules/.bin'), process.env.PATH].join(delimiter) }
        const { stdout } = await execute('node', ['--version'], { env })
        assert.match(stdout, new RegExp(`^v${major}\\.`))
      })

      test('cortex --help lists the commands', async () => {
        const { stdout } = await cortex('--help')
        for (const command of ['up', 'gateway', 'agent', 'run', 'job', 'batch', 'provider', 'id']) {
          assert.match(stdout, new RegExp(`^  ${command}\\b`, 'm'), command)
        }
      })

      test('cortex --version is that of the package', async () => {
        const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
        assert.equal((await cortex('--version')).stdout.trim(), version)
      })

      test('cortex gateway serves, and ends when told to', async () => {
        const data = join(folder, `data-${major}`)
        const args = ['gateway', '--data', data, '--port', '0', '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
        const child = spawn(join(consumer, 'node_modules/.bin/cortex'), args, {
          env,
          stdio: ['ignore', 'inherit', 'pipe'],
        })
        const ended = once(child, 'exit')
        try {
          const url = await gatewayUrl(child)
          const health = await fetch(new URL('/health', url))
          assert.equal(health.status, 200)
          const login = ['--gateway', url, '--key', (await readFile(join(data, 'gateway/admin.key'), 'utf8')).trim()]
          assert.equal((await cortex('job', 'list', '--json', ...login)).stdout, '[]\n')
        } finally {
          child.kill('SIGTERM')
        }
        assert.deepEqual(await ended, [0, null])
      })
    })
  }
})

/** Makes a project at `folder` with one package in it. What is published has to work without anybody's install scripts. */
async function install(folder: string, ...what: string[]): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await execute('npm', ['install', ...what, ...quiet], { cwd: folder })
}

/** Where it says that it listens; rejects with what it said when it ends before. */
async function gatewayUrl(child: ChildProcess): Promise<string> {
  assert.ok(child.stderr)
  const said: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    said.push(line)
    const url = /^gateway\s+(\S+)/.exec(line)?.[1]
    if (url) return url
  }
  throw new Error(`ended without a gateway:\n${said.join('\n')}`)
}
