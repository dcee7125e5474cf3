import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { readJob } from '../../../gateway/dashboard/src/jobs/form/read-job.ts'

describe('the JSON of a job under construction', () => {
  const read: [string, string][] = [
    ['as it is', '{"image": "busybox"}'],
    ['comments', '// of today\n{ /* small */ "image": "busybox" // latest\n}'],
    ['commas behind the last', '{"image": "busybox",}'],
  ]
  for (const [name, text] of read) {
    it(`entry 47: is read with ${name}`, () => assert.deepEqual(readJob(text), { image: 'busybox' }))
  }

  it('entry 47: keeps what only looks like a comment', () => {
    assert.deepEqual(readJob('{"image": "a//b", "args": ["/* no */"]}'), { image: 'a//b', args: ['/* no */'] })
  })

  const refused: [string, string, RegExp][] = [
    ['a colon is missing', '{\n  "image" "busybox"\n}', /colon expected at line 2, column 11/],
    ['nothing', '', /value expected at line 1, column 1/],
    ['a list', '[]', /an object in braces/],
    ['more behind it', '{} {}', /end of file expected/],
  ]
  for (const [name, text, expected] of refused) {
    it(`says where it is none: ${name}`, () => assert.match(String(readJob(text)), expected))
  }
})
