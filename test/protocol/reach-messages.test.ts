import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import {
  ExecInputSchema,
  ExecOutputSchema,
  FileContentSchema,
  ReachHelloSchema,
  ReachReplySchema,
} from '../../protocol/gen/cortex/v1/reach_pb.js'
import {
  encodeExecData,
  encodeExecOutput,
  encodeFileData,
  readExecInput,
  readReachHello,
  readReachReply,
} from '../../protocol/reach-messages.ts'
import { isLine } from '../../protocol/text.ts'

const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
type Hello = MessageInitShape<typeof ReachHelloSchema>
type Content = NonNullable<Hello['content']>

function hello(content: Content | undefined, fields: { jobId?: string; fence?: number } = {}): Uint8Array {
  return encode(ReachHelloSchema, { jobId: JOB, fence: 1, ...(content === undefined ? {} : { content }), ...fields })
}

const tunnel = (port: number, protocol = 'TCP'): Content => ({ case: 'tunnel', value: { port, protocol } })
const list = (limit: number) => ({ case: 'list', value: { after: '', limit } }) as const
const move = (to: string) => ({ case: 'move', value: { to } }) as const
const change = (value: { mode?: number; mtimeMs?: bigint }) => ({ case: 'change', value }) as const
const files = (path: string, action?: ReturnType<typeof list | typeof move | typeof change>): Content => ({
  case: 'files',
  value: { path, ...(action === undefined ? {} : { action }) },
})
const exec = (command: string[], columns = 0): Content => ({ case: 'exec', value: { command, columns } })

describe('a hello into a container', () => {
  it('is fixed in its bytes', () => {
    assert.equal(
      Buffer.from(hello(tunnel(80))).toString('hex'),
      `0a1e${Buffer.from(JOB).toString('hex')}10011a0708501203544350`,
    )
  })

  const wrong: [string, Uint8Array, string][] = [
    ['another id', hello(tunnel(80), { jobId: '../x' }), 'INVALID_FIELD'],
    ['fence 0', hello(tunnel(80), { fence: 0 }), 'INVALID_FIELD'],
    ['port 0', hello(tunnel(0)), 'INVALID_FIELD'],
    ['port 65536', hello(tunnel(65_536)), 'INVALID_FIELD'],
    ['another protocol', hello(tunnel(80, 'ICMP')), 'INVALID_FIELD'],
    ['no command', hello(exec([])), 'INVALID_FIELD'],
    ['a NUL', hello(exec(['a\0b'])), 'INVALID_FIELD'],
    ['too many words', hello(exec(Array(257).fill('a'))), 'INVALID_FIELD'],
    ['a wide terminal', hello(exec(['sh'], 4_097)), 'INVALID_FIELD'],
    ['an offset beyond numbers', hello({ case: 'output', value: { offset: 2n ** 60n } }), 'INVALID_FIELD'],
    ['a relative path', hello(files('data', list(9))), 'INVALID_FIELD'],
    ['a path that climbs', hello(files('/a/../b', list(9))), 'INVALID_FIELD'],
    ['a NUL in a path', hello(files('/a\0', list(9))), 'INVALID_FIELD'],
    ['a path that is too long', hello(files(`/${'ä'.repeat(2_048)}`, list(9))), 'INVALID_FIELD'],
    ['too many entries', hello(files('/', list(1_001))), 'INVALID_FIELD'],
    ['a new path that climbs', hello(files('/a', move('/a/../b'))), 'INVALID_FIELD'],
    ['a new path that is relative', hello(files('/a', move('b'))), 'INVALID_FIELD'],
    ['a mode of too many bits', hello(files('/a', change({ mode: 0o10000 }))), 'INVALID_FIELD'],
    ['a time that no date holds', hello(files('/a', change({ mtimeMs: 2n ** 62n }))), 'INVALID_FIELD'],
    ['no action on files', hello(files('/')), 'MALFORMED'],
    ['nothing to do', hello(undefined), 'MALFORMED'],
    ['no message', Buffer.from([0xff]), 'MALFORMED'],
    ['too much', new Uint8Array(600_000), 'TOO_LARGE'],
  ]
  for (const [what, bytes, code] of wrong) {
    it(`with ${what} is refused`, () => {
      assert.throws(() => readReachHello(bytes), { code })
    })
  }

  it('with what a job may ask for is read', () => {
    for (const content of [
      tunnel(1),
      tunnel(65_535, 'UDP'),
      exec(['sh'], 80),
      files('/data/a b', list(1_000)),
      files('/a', move('/b')),
      files('/a', change({ mode: 0o7777, mtimeMs: -1n })),
      { case: 'inspect', value: {} } as const,
    ]) {
      assert.equal(readReachHello(hello(content)).content.case, content.case)
    }
  })
})

describe('what comes back', () => {
  it('has pieces of files as the library would write them', () => {
    for (const bytes of [0, 1, 127, 128, 64 * 1024]) {
      const value = new Uint8Array(bytes).fill(7)
      const written = encode(FileContentSchema, { content: { case: 'data', value } })
      assert.deepEqual(new Uint8Array(encodeFileData(value)), new Uint8Array(written), String(bytes))
    }
  })

  it('names only those actions on files that are known here', () => {
    const actions = ['move', 'format', '\x1b[31m', 'itself']
    const reply = readReachReply(encode(ReachReplySchema, { ok: true, files: { actions } }))
    assert.deepEqual(reply.files?.actions, ['move', 'itself'])
  })

  it('is one line of bounded length where people read it', () => {
    const reply = readReachReply(
      encode(ReachReplySchema, { code: 'FAILED', message: `a\n\x1b[31mb${'x'.repeat(5000)}` }),
    )
    assert.ok(reply.message.length <= 1024 && isLine(reply.message))
    assert.throws(() => readReachReply(encode(ReachReplySchema, { code: 'A\nB' })), { code: 'INVALID_FIELD' })
    assert.throws(() => readExecInput(encode(ExecInputSchema, {})), { code: 'MALFORMED' })
  })
})

describe('a piece of a command’s input or output', () => {
  it('is written as the library writes it', () => {
    for (const bytes of [0, 1, 127, 128, 64 * 1024]) {
      const value = new Uint8Array(bytes).fill(7)
      const input = encode(ExecInputSchema, { content: { case: 'data', value } })
      assert.deepEqual(new Uint8Array(encodeExecData(value)), new Uint8Array(input), String(bytes))
      for (const stream of ['stdout', 'stderr'] as const) {
        const output = encode(ExecOutputSchema, { content: { case: stream, value } })
        const parts = [value.subarray(0, 100), value.subarray(100)]
        assert.deepEqual(new Uint8Array(encodeExecOutput(stream, parts)), new Uint8Array(output), `${stream} ${bytes}`)
      }
    }
  })
})
