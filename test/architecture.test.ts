import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findCycle, functionsOf, type Import, importsOf, readSources, silentExportsOf } from './support/import-graph.ts'

/** What each folder may import of the others, and what of the outside it never touches (CONTRIBUTING.md). */
const rules: Record<string, { mayImport: string[]; never: RegExp }> = {
  protocol: {
    mayImport: [],
    never:
      /^(libp2p|level|dockerode|hono|@hono\/.*|node:(fs|net|tls|dgram|http2?|https|child_process|worker_threads).*)$/,
  },
  node: { mayImport: ['protocol'], never: /^(dockerode|hono|@hono\/.*|node:http)$/ },
  'provider-agent': { mayImport: ['protocol', 'node'], never: /^(hono|@hono\/.*)$/ },
  gateway: { mayImport: ['protocol', 'node'], never: /^dockerode$/ },
  bin: { mayImport: ['protocol', 'node', 'provider-agent', 'gateway'], never: /^(dockerode|hono|@hono\/.*)$/ },
}

/** What of `node` asks over HTTP; none of it serves that (docs/decisions/0074-platforms-and-pinned-images.md). */
const HTTP_CLIENT = /^node\/(registry\/|network\/outside\.ts$|control\/client\.ts$)/

/** What the user of this project chose, and keeps. */
const STACK = [
  'libp2p',
  '@libp2p/gossipsub',
  '@libp2p/tcp',
  'it-pipe',
  'level',
  'dockerode',
  'systeminformation',
  'hono',
]

/** Lines that a function has at most. */
const MOST_LINES = 120

const sources = readSources(join(import.meta.dirname, '..'), Object.keys(rules))
const imports = sources.flatMap(([file, source]) => importsOf(file, source))

describe('architecture', () => {
  for (const [folder, { mayImport, never }] of Object.entries(rules)) {
    test(`${folder} imports ${mayImport.join(', ') || 'no other folder'}, and nothing else of this house`, () => {
      const allowed = [folder, ...mayImport, ...(folder === 'bin' ? ['package.json'] : [])]
      assert.deepEqual(
        describeAll(ofFolder(folder).filter((i) => i.isRelative && !allowed.includes(folderOf(i.to)))),
        [],
      )
    })

    test(`${folder} keeps to its own side of the machine`, () => {
      const beyond = ofFolder(folder).filter((i) => !i.isRelative && never.test(i.to))
      assert.deepEqual(describeAll(beyond.filter((i) => !(i.to === 'node:http' && HTTP_CLIENT.test(i.from)))), [])
    })
  }

  test('no module imports itself by way of others, be it only their types', () => {
    assert.deepEqual(findCycle(imports), null)
  })

  test('clients and pages know the gateway by its contract (docs/decisions/0065-rooms-of-the-gateway.md)', () => {
    const may = /^gateway\/(?:contract|client)\//
    for (const room of ['client', 'dashboard/src']) {
      const own = imports.filter((each) => each.isRelative && each.from.startsWith(`gateway/${room}/`))
      assert.ok(own.length > 20, room)
      const outside = own.filter(({ to }) => !to.startsWith(`gateway/${room}/`))
      assert.deepEqual(describeAll(outside.filter(({ to }) => !may.test(to))), [], room)
    }
  })

  test('what pages load of the contract loads no package', () => {
    const loaded = new Set<string>()
    const load = (file: string): void => {
      if (loaded.has(file)) return
      loaded.add(file)
      for (const { to, isRelative } of loadedBy(file)) if (isRelative) load(to)
    }
    const wanted = imports.filter((each) => each.from.startsWith('gateway/dashboard/') && !each.isDeferred)
    for (const { to } of wanted) if (to.startsWith('gateway/contract/')) load(to)
    assert.ok(loaded.size > 8)
    assert.deepEqual(describeAll([...loaded].flatMap(loadedBy).filter(({ isRelative }) => !isRelative)), [])
  })

  test('the floors of the gateway know no feature, and features know each other by their index', () => {
    const own = ofFolder('gateway').filter((each) => each.isRelative && each.to.startsWith('gateway/'))
    const past = own.filter(({ from, to }) => {
      const [here, there] = [featureOf(from), featureOf(to)]
      if (there === null || here === there) return false
      return FLOORS.has(roomIn(from)) || (here !== null && !to.endsWith('/index.ts'))
    })
    assert.ok(own.some(({ from, to }) => featureOf(from) !== featureOf(to) && to.endsWith('/index.ts')))
    assert.deepEqual(describeAll(past), [])
  })

  test('what lies in a room of a room is used by that room alone (docs/decisions/0041-doors.md)', () => {
    const inner = imports.filter((each) => each.isRelative && roomsOf(each.to).length > 2)
    assert.ok(inner.length > 300)
    // The dashboard is one program, whose pages open each other's parts.
    const found = inner.filter((each) => !each.to.startsWith('gateway/dashboard/') && !isBeside(each))
    assert.deepEqual(describeAll(found), [])
  })

  test('no function is longer than 120 lines', () => {
    const long = sources
      .flatMap(([file, source]) => functionsOf(file, source))
      .filter(({ lines }) => lines > MOST_LINES)
      .map(({ file, name }) => `${file} ${name}`)
    assert.deepEqual(long, [])
  })

  test('every export has a docstring', () => {
    const silent = sources.flatMap(([file, source]) => silentExportsOf(file, source))
    assert.deepEqual(
      silent.map(({ file, name }) => `${file} ${name}`),
      [],
    )
  })

  test('entry 17: nothing but print.ts writes to the terminal', () => {
    // What an old Node runs, a library's script for shells, what writes to the stream that it is given, and the log.
    const may = [
      'bin/cortex.ts',
      'bin/completion.ts',
      'node/commands/print.ts',
      'node/commands/status-line.ts',
      'node/logger.ts',
      // A process of its own, whose output is its answer.
      'node/benchmark/run.ts',
      'node/benchmark/bench-job.ts',
    ]
    const writes = /\bconsole\.|\bstd(out|err)\??\.write|\bprocess\[|pipe\w*\([^)]*process\.std/
    const root = join(import.meta.dirname, '..')
    const files = Object.keys(rules).flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
        .map((file) => join(folder, file))
        .filter((file) => file.endsWith('.ts') && !file.startsWith('gateway/dashboard/')),
    )
    assert.ok(files.length > 300)
    // An example in a comment may.
    const codeOf = (file: string) => readFileSync(join(root, file), 'utf8').replace(/^ *\* .*$/gm, '')
    const found = files.filter((file) => !may.includes(file) && writes.test(codeOf(file)))
    assert.deepEqual(found, [])
  })

  test('it is built of what it is said to be built of', () => {
    const loaded = new Set(imports.filter((each) => !each.isRelative).map(({ to }) => to))
    assert.deepEqual(
      STACK.filter((name) => !loaded.has(name)),
      [],
    )
  })

  test('the imports were read', () => {
    for (const folder of ['protocol', 'node']) assert.notEqual(ofFolder(folder).length, 0, folder)
  })
})

describe('the docstrings of exports', () => {
  const cases: [source: string, silent: string[]][] = [
    ['/** d */\nexport function f() {}', []],
    ['/**\n * d\n */\nexport abstract class K {}', []],
    ['/** d */ export const a = 1', []],
    [`/** on the file */\n\nexport const a = 1`, ['a']],
    [`/** on the file */\nimport 'x'\nexport type T = 1`, ['T']],
    ['/* no docstring */\nexport interface I {}', ['I']],
    ['// nor this\nexport async function* f() {}', ['f']],
    ['/** of the first only */\nexport const a = 1\nexport const b = 2', ['b']],
    ['/** d */\nfunction f() {}\nexport { f }', []],
    [`export * from 'x'\nexport default 1`, []],
  ]
  for (const [source, silent] of cases) {
    test(`${silent.join() || 'none'} of ${JSON.stringify(source)} lacks one`, () => {
      assert.deepEqual(
        silentExportsOf('m.ts', source).map(({ name }) => name),
        silent,
      )
    })
  }
})

describe('the import graph', () => {
  const cases: [source: string, to: string, isDeferred: boolean][] = [
    [`import { a } from './a.ts'`, 'x/a.ts', false],
    [`import { a, type B } from '../y/a.ts'`, 'y/a.ts', false],
    [`import '../a.ts'`, 'a.ts', false],
    [`export * from './a.ts'`, 'x/a.ts', false],
    [`export { a } from './a.ts'`, 'x/a.ts', false],
    [`import type { A } from './a.ts'`, 'x/a.ts', true],
    [`export type { A } from './a.ts'`, 'x/a.ts', true],
    [`const a = await import('./a.ts')`, 'x/a.ts', true],
    [`import fs from 'node:fs'`, 'node:fs', false],
  ]
  for (const [source, to, isDeferred] of cases) {
    test(`reads ${source}`, () => {
      const isRelative = !to.startsWith('node:')
      assert.deepEqual(importsOf('x/m.ts', source), [{ from: 'x/m.ts', to, isRelative, isDeferred }])
    })
  }

  test('shows a cycle, and no more than it', () => {
    const graph = [
      ...importsOf('a.ts', `import './b.ts'; import './d.ts'`),
      ...importsOf('b.ts', `import './c.ts'`),
      ...importsOf('c.ts', `import './b.ts'`),
    ]
    assert.deepEqual(findCycle(graph), ['b.ts', 'c.ts', 'b.ts'])
  })

  test('counts an import of types', () => {
    const graph = [...importsOf('a.ts', `import './b.ts'`), ...importsOf('b.ts', `import type { A } from './a.ts'`)]
    assert.deepEqual(findCycle(graph), ['a.ts', 'b.ts', 'a.ts'])
  })
})

/** Rooms of the gateway that every feature stands on. */
const FLOORS = new Set(['contract', 'http', 'records'])
/** Those that use the gateway from outside, and its front. */
const OTHERS = new Set(['client', 'commands', 'dashboard', ''])

/** The room of a module of the gateway; empty for what lies beside the rooms. */
function roomIn(path: string): string {
  const [, room = ''] = path.split('/')
  return room.endsWith('.ts') ? '' : room
}

/** The feature of the gateway that a module belongs to; null for floors and what is no room. */
function featureOf(path: string): string | null {
  const room = roomIn(path)
  return FLOORS.has(room) || OTHERS.has(room) ? null : room
}

/** What a module loads as it is loaded itself. */
function loadedBy(file: string): Import[] {
  return imports.filter((each) => each.from === file && !each.isDeferred)
}

function ofFolder(folder: string): Import[] {
  return imports.filter((each) => folderOf(each.from) === folder)
}

/** The folders on the way to a module, each with those around it: `a/b/c.ts` lies in `a` and in `a/b`. */
function roomsOf(path: string): string[] {
  const names = path.split('/').slice(0, -1)
  return names.map((_, at) => names.slice(0, at + 1).join('/'))
}

/** Whether the importing module lies in the room that holds the room of the imported one. */
function isBeside({ from, to }: Import): boolean {
  return from.startsWith(`${roomsOf(to).at(-2)}/`) || roomsOf(to).includes('protocol/gen')
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function describeAll(found: Import[]): string[] {
  return found.map((each) => `${each.from} -> ${each.to}`)
}
