import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { findCycle, type Import, importsOf, readImports } from './support/import-graph.ts'

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

const imports = readImports(join(import.meta.dirname, '..'), Object.keys(rules))

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
      assert.deepEqual(describeAll(ofFolder(folder).filter((i) => !i.isRelative && never.test(i.to))), [])
    })
  }

  test('no module imports itself by way of others', () => {
    assert.deepEqual(findCycle(imports), null)
  })

  test('the imports were read', () => {
    for (const folder of ['protocol', 'node']) assert.notEqual(ofFolder(folder).length, 0, folder)
  })
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

  test('takes an import of types for no cycle', () => {
    const graph = [...importsOf('a.ts', `import './b.ts'`), ...importsOf('b.ts', `import type { A } from './a.ts'`)]
    assert.equal(findCycle(graph), null)
  })
})

function ofFolder(folder: string): Import[] {
  return imports.filter((each) => folderOf(each.from) === folder)
}

function folderOf(path: string): string {
  return path.split('/')[0] ?? ''
}

function describeAll(found: Import[]): string[] {
  return found.map((each) => `${each.from} -> ${each.to}`)
}
