import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGpuUse } from '../../../provider-agent/gpus/gpu-use.ts'
import { A100, T4 } from '../../support/gpus.ts'
import { createSimClock } from '../../support/sim-clock.ts'

const MIB = 2 ** 20
const PARTED = 'GPU-00000003'

test('the use of a job’s GPUs is that of all of them, where each tells', async () => {
  const clock = createSimClock()
  let looks = 0
  let text = `${A100}, 87, 20480\n${T4}, 13, 512\n${PARTED}, [N/A], [N/A]\n`
  const read = createGpuUse({
    clock,
    run: async () => {
      looks += 1
      return { status: 'ok', text }
    },
  })
  assert.equal(await read([]), null)
  assert.equal(await read(['amd-0000:05:00.0', 'MIG-00000001']), null)
  assert.equal(looks, 0, 'nobody is asked for what it does not tell')
  assert.deepEqual(await read([A100]), { millis: 870, memoryBytes: 20_480 * MIB })
  assert.deepEqual(await read([A100, T4]), { millis: 1_000, memoryBytes: 20_992 * MIB })
  assert.equal(await read([A100, PARTED]), null)
  assert.equal(await read(['GPU-11111111']), null)
  assert.equal(looks, 1, 'one look serves all jobs')
  text = `${A100}, 5, 1\n`
  await clock.advance(1_000)
  assert.deepEqual(await read([A100]), { millis: 50, memoryBytes: MIB })
})

test('a tool that is not there, or fails, tells nothing', async () => {
  for (const answer of [{ status: 'missing' }, { status: 'failed', said: '' }] as const) {
    assert.equal(await createGpuUse({ clock: createSimClock(), run: async () => answer })([A100]), null, answer.status)
  }
})
