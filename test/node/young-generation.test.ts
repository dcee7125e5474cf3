import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

const MIB = 2 ** 20
/** Makes objects of which many live for a while, and says how large the space of new objects became. */
const BUSY = `
  import v8 from 'node:v8'
  import { setImmediate as turn } from 'node:timers/promises'
  let kept = [], largest = 0
  for (let i = 0; i < 300; i++) {
    for (let k = 0; k < 10_000; k++) kept.push({ i, k, list: [i, k] })
    if (kept.length > 200_000) kept = kept.slice(100_000)
    await turn()
    const space = v8.getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')
    largest = Math.max(largest, space.space_size)
  }
  console.log(largest)`

async function largestAfter(before: string): Promise<number> {
  const args = ['--input-type=module', '--eval', before + BUSY]
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: { ...process.env, NODE_OPTIONS: '' } })
  return Number(stdout)
}

test('the space of new objects does not grow without need', async () => {
  const path = JSON.stringify(join(import.meta.dirname, '../../node/young-generation.ts'))
  const [unbounded, bounded] = await Promise.all([
    largestAfter(''),
    largestAfter(`import { boundYoungGeneration } from ${path}\nboundYoungGeneration()\n`),
  ])
  assert.ok(unbounded > 32 * MIB, `${unbounded} bytes where nobody bounds it: what is bounded here is no more`)
  assert.ok(bounded <= 24 * MIB, `${bounded} bytes`)
})
