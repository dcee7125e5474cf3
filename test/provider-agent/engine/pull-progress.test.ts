import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPullProgress } from '../../../provider-agent/engine/pull-progress.ts'

test("a pull's messages add up over its layers", () => {
  const progress = createPullProgress()
  const layer = (id: string, status: string, current?: number, total?: number) =>
    progress({ id, status, progressDetail: current === undefined ? {} : { current, total: total as number } })
  const sums = (layersDone: number, layersTotal: number, bytesDone: number, bytesTotal: number) => ({
    layersDone,
    layersTotal,
    bytesDone,
    bytesTotal,
  })
  assert.equal(progress({ id: '1.36', status: 'Pulling from library/busybox' }), null)
  assert.deepEqual(layer('a', 'Pulling fs layer'), sums(0, 1, 0, 0))
  assert.deepEqual(layer('b', 'Already exists'), sums(1, 2, 0, 0))
  assert.deepEqual(layer('a', 'Downloading', 100, 400), sums(1, 2, 100, 400))
  assert.deepEqual(layer('a', 'Downloading', 390, 400), sums(1, 2, 390, 400))
  assert.deepEqual(layer('a', 'Download complete'), sums(1, 2, 400, 400))
  assert.deepEqual(layer('a', 'Extracting', 50, 400), sums(1, 2, 400, 400))
  assert.deepEqual(layer('a', 'Pull complete'), sums(2, 2, 400, 400))
  assert.equal(progress({ status: 'Digest: sha256:0' }), null)
})
