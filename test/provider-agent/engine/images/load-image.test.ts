import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import type Docker from 'dockerode'
import { toPullError } from '../../../../provider-agent/engine/errors.ts'
import { loadImage } from '../../../../provider-agent/engine/images/load-image.ts'

const WORDS = 'json: cannot unmarshal number into Go struct field Config.config.User of type string'
const image = { name: 'a:1', config: { digest: `sha256:${'a'.repeat(64)}`, bytes: Buffer.from('{}') }, layers: [] }

/** What is told of an image of which an engine answers so. */
async function told(answer: () => Promise<Readable>): Promise<unknown[]> {
  const docker = { loadImage: answer } as unknown as Docker
  const error = await loadImage(docker, image, new AbortController().signal).then(
    () => assert.fail('it was taken'),
    (error: unknown) => toPullError(error, 'a:1'),
  )
  return [error.code, error.details.reason]
}

test('entry 10: what an engine says of an image is the same in its answer, as Docker does, and by its status, as Podman does', async () => {
  const body = JSON.stringify({ errorDetail: { message: WORDS }, error: WORDS })
  const refusal = Object.assign(new Error(`(HTTP code 500) server error - ${WORDS} `), {
    ...{ statusCode: 500, json: { message: WORDS } },
  })
  assert.deepEqual(await told(async () => Readable.from([body])), ['IMAGE_PULL_ERROR', 'invalid-image'])
  assert.deepEqual(await told(async () => await Promise.reject(refusal)), ['IMAGE_PULL_ERROR', 'invalid-image'])
})

test('an engine that is gone has said nothing of the image', async () => {
  const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  assert.equal((await told(async () => await Promise.reject(gone)))[0], 'ENGINE_UNAVAILABLE')
})
