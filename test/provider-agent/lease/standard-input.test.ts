import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import pino from 'pino'
import type { Lease } from '../../../provider-agent/lease/lease.ts'
import { createStandardInput } from '../../../provider-agent/lease/standard-input.ts'

const logger = pino({ level: 'silent' })
const stdin = { path: '', stdin: true, writable: false, blob: { sha256: '00'.repeat(32), bytes: 1, folder: false } }

function inputOf(given: boolean, report: () => Promise<void>) {
  const lease = { id: 'job-1', record: { job: { inputs: [stdin] } }, progress: {}, report } as unknown as Lease
  return createStandardInput({ inputs: { openStdin: async () => async () => given }, logger }, lease)
}

describe('the standard input of a lease', () => {
  for (const [given, expected] of [
    [true, 1],
    [false, 0],
  ] as const) {
    it(`is written down ${expected} times where it was ${given ? '' : 'not '}passed on`, async () => {
      let written = 0
      const input = inputOf(given, async () => {
        written += 1
      })
      await input.open(new AbortController().signal)
      await input.give(new AbortController().signal)
      assert.equal(written, expected)
    })
  }

  it('ends nothing else where it cannot be written down, and is lost to who comes after', async () => {
    const input = inputOf(true, async () => Promise.reject(new Error('the disk is full')))
    await input.open(new AbortController().signal)
    await input.give(new AbortController().signal)
    assert.throws(() => input.check(true), { name: 'LeaseBrokenError', reason: 'stdin-lost' })
    input.check(false)
  })
})
