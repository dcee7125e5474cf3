/** Objects of other owners: they are not there, whatever is asked of them. */

import assert from 'node:assert/strict'
import type { HostileInput } from '../support/inputs.ts'

const paths: [method: string, path: string, body?: object][] = [
  ['GET', ''],
  ['PUT', '', { cpu: 100 }],
  ['DELETE', ''],
  ['POST', '/cancel'],
  ['POST', '/extend', { additional: 60 }],
  ['POST', '/resubmit', {}],
  ['GET', '/logs'],
  ['GET', '/logs?follow=true'],
  ['GET', '/metrics'],
  ['GET', '/events'],
  ['GET', '/bids'],
  ['GET', '/output'],
  ['GET', '/receipt'],
  ['GET', '/container'],
  ['POST', '/exec', { command: ['id'] }],
  ['GET', '/proxy/80/'],
]

/** Other programs that are to get secrets that were stored. */
const kept: HostileInput[] = [
  {
    name: 'a job submitted again with another command, to print its secrets',
    async attempt({ alice }) {
      const spec = { image: 'a', secrets: { DB: 'hidden' }, constraints: { labels: { nobody: 'has-this' } } }
      const { data } = await alice.api.call('POST', '/jobs', spec)
      // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's
      const again = await alice.api.call('POST', `/jobs/${data.id}/resubmit`, { command: ['sh', '-c', 'echo ${DB}'] })
      await alice.api.call('POST', `/jobs/${data.id}/cancel`)
      assert.deepEqual([again.status, again.code], [400, 'VALIDATION_ERROR'])
    },
  },
]

const others: HostileInput[] = paths.map(([method, path, body]) => ({
  name: `${method} …${path} of another owner's job`,
  async attempt({ bob, endedJob }) {
    const { status, code } = await bob.api.call(method, `/jobs/${endedJob}${path}`, body)
    assert.deepEqual([status, code], [404, 'JOB_NOT_FOUND'])
  },
}))

export const inputs: HostileInput[] = [...others, ...kept]
