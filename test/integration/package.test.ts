/**
 * What is published: packed, installed somewhere else and run on the oldest Node that it is for and on the newest, every
 * command that stays up and a job included (entry 36); an older Node is told what it needs.
 */
import assert from 'node:assert/strict'
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import Docker from 'dockerode'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { freePort } from '../../scripts/free-port.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'

const execute = promisify(execFile)
const root = join(import.meta.dirname, '../..')
const quiet = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error']

describe('the published package', () => {
  let folder: string
  let files: string[]
  let consumer: string
  /** Projects that hold one Node each: the oldest that is promised, and one before it. */
  let oldest: string
  let older: string
  let engine: EngineHandle
  let image: string

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-package-'))
    consumer = join(folder, 'consumer')
    oldest = join(folder, 'oldest')
    older = join(folder, 'older')
    engine = await ensureEngine()
    image = await ensureBusyboxImage(new Docker({ socketPath: engine.socketPath }))
    const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', folder, ...quiet], { cwd: root })
    const [packed] = JSON.parse(stdout.slice(stdout.indexOf('['))) as [{ filename: string; files: { path: string }[] }]
    files = packed.files.map((file) => file.path)
    await Promise.all([
      install(consumer, join(folder, packed.filename), '--ignore-scripts'),
      install(oldest, 'node@22.18.0'),
      install(older, 'node@20'),
    ])
  })

  after(async () => {
    await closeAll(
      async () => await engine?.stop(),
      async () => await rm(folder, { recursive: true, force: true }),
    )
  })

  test('holds the program, its documents and the license, and no source, test or script', () => {
    const ofProgram = ['dist/bin/cortex.js', 'dist/program/main.js', 'dist/program/LICENSES.txt']
    for (const wanted of [...ofProgram, 'package.json', 'LICENSE', 'README.md']) {
      assert.ok(files.includes(wanted), wanted)
    }
    assert.deepEqual(files.filter((path) => !/^(dist|docs|examples)\//.test(path)).toSorted(), [
      'CHANGELOG.md',
      'CODE_OF_CONDUCT.md',
      'CONTRIBUTING.md',
      'LICENSE',
      'README.md',
      'SECURITY.md',
      'package.json',
    ])
    assert.deepEqual(
      files.filter((path) => /(?<!\.d)\.tsx?$/.test(path) && !path.startsWith('examples/')),
      [],
    )
  })

  test('begins with the program in few files, with the terms of all that is in them', async () => {
    const dist = join(consumer, 'node_modules/cortex-node/dist')
    assert.equal(await readFile(join(dist, 'bin/main.js'), 'utf8'), "import '../program/main.js'\n")
    const terms = await readFile(join(dist, 'program/LICENSES.txt'), 'utf8')
    for (const name of ['libp2p', 'hono', 'zod', 'commander']) assert.match(terms, new RegExp(`^${name}@\\d`, 'm'))
  })

  test('what its documents link to is there, for whoever reads them in the package', async () => {
    const installed = join(consumer, 'node_modules/cortex-node')
    const documents = files.filter((path) => path.endsWith('.md') && !path.startsWith('dist/'))
    const links = await Promise.all(
      documents.map(async (path) => {
        const text = await readFile(join(installed, path), 'utf8')
        const targets = [...text.matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)].map(([, to = '']) => to)
        return targets.map((to) => ({ path, to: join(dirname(path), to) }))
      }),
    )
    const dead = links.flat().filter(({ to }) => !existsSync(join(installed, to)))
    assert.deepEqual(dead, [])
    assert.ok(links.flat().some(({ path }) => path === 'README.md'))
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

      test('what it gives to programs can be imported', async () => {
        const names = "Object.keys(await import('cortex-node')).join(' ')"
        const { stdout } = await execute('node', ['--input-type=module', '-e', `console.log(${names})`], {
          ...{ env, cwd: consumer },
        })
        for (const name of ['startClientNode', 'startProvider', 'createGateway', 'followJob']) {
          assert.match(stdout, new RegExp(`\\b${name}\\b`))
        }
      })

      test('cortex --version is that of the package', async () => {
        const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string }
        assert.equal((await cortex('--version')).stdout.trim(), version)
      })

      /** Starts a command that stays up, waits for its words, does something, and ends it in an orderly way. */
      async function up(args: string[], says: RegExp, use: (match: RegExpExecArray) => Promise<void>): Promise<void> {
        const child = spawn(join(consumer, 'node_modules/.bin/cortex'), args, {
          env,
          stdio: ['ignore', 'inherit', 'pipe'],
        })
        const ended = once(child, 'exit')
        try {
          await use(await said(child, says))
        } finally {
          child.kill('SIGTERM')
        }
        assert.deepEqual(await ended, [0, null], args.join(' '))
      }

      test('cortex gateway, agent and run do a job, and end when told to', async () => {
        const peer = `/ip4/127.0.0.1/tcp/${await freePort()}`
        const market = ['--network', `package-${major}`, '--no-mdns']
        const inMarket = [...market, '--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', peer]
        const data = (name: string): string[] => ['--data', join(folder, `${name}-${major}`)]
        const small = ['--cpu', '100', '--memory', '16Mi', '--storage', '16Mi']
        await up(
          ['gateway', ...data('gateway'), '--port', '0', ...market, '--listen', peer],
          GATEWAY,
          async ([, url = '']) => {
            assert.equal((await fetch(new URL('/health', url))).status, 200)
            const key = (await readFile(join(folder, `gateway-${major}`, 'gateway/admin.key'), 'utf8')).trim()
            const login = ['--gateway', url, '--key', key]
            assert.equal((await cortex('job', 'list', '--json', ...login)).stdout, '[]\n')
            const sell = ['--docker-host', `unix://${engine.socketPath}`, '--cpu', '200', '--sandboxes', '0']
            const lend = ['--allow-local-image', image]
            await up(['agent', ...data('agent'), ...inMarket, ...sell, ...lend], /selling on network/, async () => {
              const ran = await cortex('run', ...data('run'), ...inMarket, ...small, image, '--', 'echo', 'it ran')
              assert.equal(ran.stdout, 'it ran\n', ran.stderr)
            })
          },
        )
      })

      test('cortex up and cortex relay run, and end when told to', async () => {
        const market = ['--network', `package-up-${major}`, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0']
        const sell = ['--docker-host', `unix://${engine.socketPath}`, '--cpu', '200', '--sandboxes', '0']
        const home = (name: string): string[] => ['--data', join(folder, `${name}-${major}`)]
        await up(['up', ...home('up'), '--port', '0', ...market, ...sell], GATEWAY, async ([, url = '']) => {
          const key = (await readFile(join(folder, `up-${major}`, 'gateway/admin.key'), 'utf8')).trim()
          const list = ['provider', 'list', '--json', '--gateway', url, '--key', key]
          for (let known = 0; known === 0; known = JSON.parse((await cortex(...list)).stdout).length);
        })
        await up(['relay', ...home('relay'), ...market], /a relay on network/, async () => undefined)
      })
    })
  }

  test('an older Node is told in one line which it needs', async () => {
    const { engines } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { node: string } }
    const env = { ...process.env, PATH: [join(older, 'node_modules/.bin'), process.env.PATH].join(delimiter) }
    for (const args of [['--version'], ['agent'], ['run', 'busybox']]) {
      const ran = await execute(join(consumer, 'node_modules/.bin/cortex'), args, { env }).catch((error) => error)
      assert.equal(ran.code, 1, args.join(' '))
      assert.match(ran.stderr, /^cortex: Node 20\.\d+\.\d+ is too old: install Node 22\.18 or newer\n$/)
      assert.equal(engines.node, '>=22.18')
    }
  })
})

const GATEWAY = /^gateway\s+(\S+)/

/** Makes a project at `folder` with one package in it. What is published has to work without anybody's install scripts. */
async function install(folder: string, ...what: string[]): Promise<void> {
  await mkdir(folder)
  await writeFile(join(folder, 'package.json'), '{ "private": true }')
  await execute('npm', ['install', ...what, ...quiet], { cwd: folder })
}

/** The line that it says; rejects with what it said when it ends before. What comes later is read and forgotten. */
async function said(child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> {
  assert.ok(child.stderr)
  const lines: string[] = []
  for await (const [line] of on(createInterface({ input: child.stderr }), 'line', { close: ['close'] })) {
    lines.push(line)
    const match = pattern.exec(line)
    if (match) {
      child.stderr.resume()
      return match
    }
  }
  throw new Error(`ended without ${pattern}:\n${lines.join('\n')}`)
}
