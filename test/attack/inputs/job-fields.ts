/** A job each of whose fields is, in turn, something that it cannot be. Nothing is submitted: either a field is named, or it fits. */

import assert from 'node:assert/strict'
import { jobSubmissionSchema } from '../../../protocol/job-spec.ts'
import type { HostileInput } from '../support/inputs.ts'

const odd: [what: string, value: unknown][] = [
  ['null', null],
  ['a negative number', -1],
  ['a number beyond all', 1e308],
  ['a fraction', 0.1],
  ['a long text', 'x'.repeat(200_000)],
  ['control characters', '\u0000\u001b]0;x\u0007\u009b31m'],
  ['a way out of a folder', '../../../../etc/passwd'],
  ['an object', { __proto__: null, constructor: { prototype: {} } }],
  ['a list of lists', [[[[[[[[[]]]]]]]]]],
  ['ten thousand things', Array.from({ length: 10_000 }, (_, i) => i)],
]

const taken = ['/proc', '/proc/self', '/dev', '/sys', '/etc/resolv.conf', '/sbin/docker-init'].flatMap((path) => [
  { volumes: [{ name: 'a', mountPath: path, size: '1Mi' }] },
  { outputs: path },
])
const places: HostileInput[] = taken.map((fields) => ({
  name: `a job with ${JSON.stringify(fields)}`,
  async attempt({ alice, image }) {
    const { status, code } = await alice.api.call('POST', '/jobs?dryRun=true', { image, ...fields })
    assert.deepEqual([status, code], [400, 'VALIDATION_ERROR'])
  },
}))

const fields: HostileInput[] = Object.keys(jobSubmissionSchema.shape).flatMap((field) =>
  odd.map(([what, value]) => ({
    name: `a job whose ${field} is ${what}`,
    async attempt({ alice, image }) {
      const { status, code } = await alice.api.call('POST', '/jobs?dryRun=true', { image, [field]: value })
      const told = field === 'provider' ? [503, 'PROVIDER_UNAVAILABLE'] : [400, 'VALIDATION_ERROR']
      if (status !== 200 && status !== 400) assert.deepEqual([status, code], told)
      if (status === 400) assert.equal(code, 'VALIDATION_ERROR')
    },
  })),
)

export const inputs: HostileInput[] = [...fields, ...places]
