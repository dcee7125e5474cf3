import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { readImports } from '../../support/import-graph.ts'

it('the client loads only itself and two packages that run in browsers, and nothing of Node', () => {
  const imports = readImports(join(import.meta.dirname, '../../..'), ['gateway/client'])
  const loaded = imports.filter(({ isDeferred }) => !isDeferred)
  const outside = loaded.map(({ to }) => to).filter((to) => !to.startsWith('gateway/client/'))
  assert.deepEqual([...new Set(outside)].sort(), ['eventsource-parser', 'p-retry'])
})
