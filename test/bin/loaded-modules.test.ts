/** What a start costs are the modules that it loads: those of features that are seldom used are loaded when they are. */

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { SOURCE } from '../../scripts/testing/programs.ts'
import { startProgram } from '../integration/support/program.ts'

const ROOT = join(import.meta.dirname, '../..')
const HOOK = pathToFileURL(join(import.meta.dirname, 'support/loaded-modules.ts')).href

/** Dependencies of the program that it loads for a feature, when that is used. */
const SELDOM = [
  '@bomb.sh/tab',
  '@fastify/busboy',
  '@libp2p/kad-dht',
  '@libp2p/mdns',
  '@libp2p/pnet',
  '@libp2p/upnp-nat',
  '@modelcontextprotocol/server',
  '@opentelemetry/exporter-trace-otlp-http',
  '@opentelemetry/resources',
  '@opentelemetry/sdk-trace',
  '@streamparser/json',
  'acme-client',
  'age-encryption',
  'cli-table3',
  'csv-parse',
  'swagger-ui-dist',
  'xml2js',
  'yaml',
]
/** Of a gateway alone. */
const OF_GATEWAYS = [
  '@hono/node-server',
  '@hono/zod-openapi',
  '@libp2p/prometheus-metrics',
  '@opentelemetry/api',
  'croner',
  'hono',
  'prom-client',
  'proxy-addr',
  'rate-limiter-flexible',
  'ws',
]
/** Of an agent alone. */
const OF_AGENTS = ['aws4fetch', 'dockerode', 'systeminformation']
/** What dockerode would load for builds and SSH. */
const OF_DOCKERODE = ['@grpc/grpc-js', '@grpc/proto-loader', 'protobufjs', 'ssh2']
/** Of commands that ask a gateway; the others are for those that are a peer themselves. */
const OF_CLIENTS = ['commander', 'env-paths', 'eventsource-parser', 'p-retry']

describe('what a start loads', () => {
  let folder: string
  let all: string[]

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-loaded-'))
    const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { dependencies: object }
    all = Object.keys(manifest.dependencies)
  })
  after(async () => await rm(folder, { recursive: true, force: true }))

  /** Runs the program, until it says so where it stays up; answers what it loaded, as paths under the root. */
  async function loadedBy(args: string[], until?: RegExp): Promise<string[]> {
    const file = join(folder, `${args[0]}.txt`)
    const home = { HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder }
    const env = { ...home, LOADED_MODULES: file, NODE_OPTIONS: `--import=${HOOK}` }
    const program = startProgram(SOURCE, args, env)
    if (until !== undefined) {
      await program.says(until)
      program.child.kill('SIGTERM')
    }
    const { stderr } = await program.ended
    const root = pathToFileURL(`${ROOT}/`).href
    const urls = (await readFile(file, 'utf8').catch(() => '')).split('\n')
    assert.ok(urls.length > 30, stderr)
    return urls.flatMap((url) => (url.startsWith(root) ? [url.slice(root.length)] : []))
  }

  function packagesOf(paths: string[]): Set<string> {
    return new Set(paths.flatMap((path) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? []))
  }

  /** Those of the names that were loaded. */
  function among(paths: string[], names: string[]): string[] {
    const loaded = packagesOf(paths)
    return names.filter((name) => loaded.has(name))
  }

  const alone = (part: string) => [
    ...['--data', join(folder, part), '--no-mdns', '--log-level', 'silent'],
    ...['--listen', '/ip4/127.0.0.1/tcp/0', '--bootstrap', '/ip4/127.0.0.1/tcp/9'],
  ]

  test('the names are those of packages', () => {
    const known = new Set(all)
    const direct = [...SELDOM, ...OF_GATEWAYS, ...OF_AGENTS, ...OF_CLIENTS]
    assert.deepEqual(
      direct.filter((name) => !known.has(name)),
      [],
    )
    assert.deepEqual(
      OF_DOCKERODE.filter((name) => !existsSync(join(ROOT, 'node_modules', name))),
      [],
    )
  })

  test('of a gateway', async () => {
    const paths = await loadedBy(['gateway', '--port', '0', ...alone('gateway')], /^gateway +http/m)
    assert.deepEqual(among(paths, [...SELDOM, ...OF_AGENTS, ...OF_DOCKERODE, 'ora', 'tar']), [])
    assert.deepEqual(among(paths, OF_GATEWAYS), OF_GATEWAYS)
    // One of its counters, without those of databases.
    assert.deepEqual(
      paths.filter((path) => path.includes('rate-limiter-flexible/') && /Redis|Mongo|SQL|Prisma/.test(path)),
      [],
    )
  })

  test('of an agent', async () => {
    const engine = ['--docker-host', `unix://${join(folder, 'no-engine.sock')}`]
    const paths = await loadedBy(['agent', ...engine, ...alone('agent')], /sells nothing yet/)
    assert.deepEqual(among(paths, [...SELDOM, ...OF_GATEWAYS, ...OF_DOCKERODE, 'ora']), [])
    assert.deepEqual(among(paths, ['dockerode']), ['dockerode'])
    // The headers of tar, and none of its programs.
    assert.deepEqual(
      paths.filter((path) => path.includes('node_modules/tar/') && path.includes('index')),
      [],
    )
  })

  test('of a job that is submitted to a gateway', async () => {
    const at = ['--gateway', 'http://127.0.0.1:9', '--key', 'none']
    const paths = await loadedBy(['job', 'submit', ...at, 'busybox', '--', 'true'])
    assert.deepEqual(among(paths, all), OF_CLIENTS)
  })
})
