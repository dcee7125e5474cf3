import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { encode } from '../../protocol/codec.ts'
import { VolumeFilesHelloSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { readVolumeFilesHello } from '../../protocol/volume-messages.ts'

const ID = `vol_${'a1'.repeat(13)}`
const read = { case: 'read', value: { tar: true } } as const

describe('what a requester says of a volume’s files', () => {
  it('names a volume, a path within it, and what is to be done', () => {
    const { id, files } = readVolumeFilesHello(
      encode(VolumeFilesHelloSchema, { id: ID, files: { path: '/a', action: read } }),
    )
    assert.deepEqual([id, files.path, files.action.case], [ID, '/a', 'read'])
  })

  const wrong: [what: string, hello: Parameters<typeof encode<typeof VolumeFilesHelloSchema>>[1]][] = [
    ['no volume', { id: '', files: { path: '/a', action: read } }],
    ['what is no id', { id: 'job_1', files: { path: '/a', action: read } }],
    ['no files', { id: ID }],
    ['no action', { id: ID, files: { path: '/a' } }],
    ['a path that climbs', { id: ID, files: { path: '/../etc', action: read } }],
    ['a path that is not absolute', { id: ID, files: { path: 'a', action: read } }],
    ['a removal', { id: ID, files: { path: '/a', action: { case: 'remove', value: { recursive: true } } } }],
    [
      'a mode beyond permission bits',
      { id: ID, files: { path: '/a', action: { case: 'write', value: { mode: 0o10000 } } } },
    ],
    [
      'more entries than are told',
      { id: ID, files: { path: '/a', action: { case: 'list', value: { limit: 1_001 } } } },
    ],
  ]
  for (const [what, hello] of wrong) {
    it(`${what} is refused`, () => {
      assert.throws(() => readVolumeFilesHello(encode(VolumeFilesHelloSchema, hello)), { name: 'WireError' })
    })
  }
})
