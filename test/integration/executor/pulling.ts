import assert from 'node:assert/strict'
import { test } from 'node:test'
import { layerOf, startHostileRegistry } from '../../support/hostile-registry.ts'
import { pulledNames } from '../support/pulled-images.ts'
import type { TestBed } from './bed.ts'

/** What the agent pulls, each engine takes. */
export function pullingTests(bed: TestBed): void {
  test('an image that the agent hands over is there under a name of its own, and goes again', async (t) => {
    const registry = await startHostileRegistry()
    t.after(registry.close)
    const engine = bed.makeEngine({ allowRegistries: [registry.host] })
    const image = registry.offer('team/handed-over', { layers: [await layerOf('one'), await layerOf('two')] })
    const first = await engine.pull({ image, policy: 'IfNotPresent' })
    assert.match(first.repoDigest ?? '', /^127\.0\.0\.1:\d+\/team\/handed-over@sha256:[0-9a-f]{64}$/)
    const asked = registry.asked.length
    assert.deepEqual(await engine.pull({ image, policy: 'Never' }), first)
    assert.equal(registry.asked.length, asked, 'it is there, and everybody may read it')
    assert.equal(await engine.removeImage(first), 'removed')
    assert.deepEqual(await pulledNames(bed.docker, /handed-over/), [])
  })
}
