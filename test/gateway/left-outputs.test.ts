/** Jobs that bring what other jobs left, as the API takes them. */

import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { ADMIN_KEY, openTestGateway, type TestGateway } from './support/test-gateway.ts'

const JOBS = '/api/plugin-core/jobs'

describe('an output as an input', () => {
  let gateway: TestGateway
  let mine: string
  let other: string

  beforeEach(async () => {
    gateway = await openTestGateway()
    mine = await gateway.keyFor('me')
    other = await gateway.keyFor('other')
  })
  afterEach(async () => {
    await gateway.close()
  })

  async function submit(from: object, key = mine) {
    return await gateway.ask('POST', JOBS, { json: { image: 'busybox', inputs: [{ path: '/in', from }] }, key })
  }

  /** What is wrong with it, by field. */
  async function refusal(from: object, key = mine): Promise<[string, string]> {
    const { code, body } = await submit(from, key)
    assert.equal(code, 'VALIDATION_ERROR', JSON.stringify(body))
    const [{ path, message }] = body.error.details.fields
    return [path, message]
  }

  async function left(outputs: string | undefined): Promise<string> {
    const { data } = await gateway.ask('POST', JOBS, { json: { image: 'busybox', outputs }, key: mine })
    return data.id
  }

  it('is taken of an ended job of the same owner alone', async () => {
    const job = await left('/out')
    const notEnded = 'has not ended: submit this one once it has'
    assert.deepEqual(await refusal({ job }), ['inputs[0].from.job', notEnded])
    await gateway.play.start(job)
    await gateway.play.complete(job)
    assert.deepEqual(await refusal({ job }), ['inputs[0].from.job', 'left no output'])
    await gateway.store.change(job, (draft) => draft.patch({ output: { state: 'kept', bytes: 1, message: '' } }))
    const taken = await submit({ job, path: 'out/model.bin' })
    assert.deepEqual([taken.status, taken.data.config.inputs[0].from], [201, { job, path: 'out/model.bin' }])
    const none = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
    assert.deepEqual(await refusal({ job }, other), ['inputs[0].from.job', 'is no job of yours'])
    assert.deepEqual(await refusal({ job: none }, other), ['inputs[0].from.job', 'is no job of yours'])
    const [, all] = await refusal({ job }, ADMIN_KEY)
    assert.equal(all, 'is no job of yours', 'whoever may look at it does not own it')
  })

  it('is not taken of a job that names no outputs, has lost them, or whose id is none', async () => {
    const without = await left(undefined)
    assert.deepEqual(await refusal({ job: without }), ['inputs[0].from.job', 'names no outputs'])
    const lost = await left('/out')
    await gateway.play.start(lost)
    await gateway.play.complete(lost)
    const message = 'The outputs were kept for as long as they are'
    await gateway.store.change(lost, (draft) => draft.patch({ output: { state: 'lost', bytes: 0, message } }))
    assert.deepEqual(await refusal({ job: lost }), ['inputs[0].from.job', `has no output: ${message}`])
    for (const job of ['', '../../x', 'job_', `${lost}/../x`, `${lost}\0`]) {
      assert.equal((await refusal({ job }))[0], 'inputs[0].from.job', job)
    }
    assert.equal((await refusal({ job: lost, path: '../etc' }))[0], 'inputs[0].from.path')
    assert.equal((await refusal({ inline: 'x', path: 'out' }))[0], 'inputs[0].from.path')
  })
})
