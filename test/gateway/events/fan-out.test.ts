/** Many clients on one job’s output: those that keep up, those that cannot, and one that hangs up all the time. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { serveTestGateway } from '../support/served-gateway.ts'
import { ADMIN_KEY, submit } from '../support/test-gateway.ts'
import type { Followed, FollowersTask } from './support/followers.ts'

const LINES = 50_000
/** As a provider’s batches are. */
const BATCH = 1_000
const CLIENTS = { quick: 46, slow: 3, restless: 1 }

test('50 clients follow 50,000 lines, and each has every line once', async (context) => {
  const gateway = await serveTestGateway()
  context.after(gateway.close)
  const id = await submit(gateway)
  await gateway.play.start(id)
  const workerData: FollowersTask = {
    url: `${gateway.url}/api/plugin-core/jobs/${id}/logs`,
    key: ADMIN_KEY,
    ...CLIENTS,
  }
  const worker = new Worker(new URL('support/followers.ts', import.meta.url), { workerData })
  context.after(async () => await worker.terminate())
  const answer = once(worker, 'message')
  for (let first = 1; first <= LINES; first += BATCH) {
    const lines = Array.from({ length: BATCH }, (_, i) => `line ${first + i}`)
    await gateway.play.log(id, ...lines)
  }
  await gateway.play.complete(id)
  const [followed] = (await answer) as [Followed[]]
  assert.equal(followed.length, 50)
  for (const { kind, last, problem } of followed)
    assert.deepEqual({ last, problem }, { last: LINES, problem: null }, kind)
  const again = followed.find(({ kind }) => kind === 'restless')
  assert.ok(again !== undefined && again.connections > 1, `${again?.connections} connections`)
})
