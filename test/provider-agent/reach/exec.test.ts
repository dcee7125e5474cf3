import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { encode } from '../../../protocol/codec.ts'
import { ExecInputSchema, type ReachHello_Exec } from '../../../protocol/gen/cortex/v1/reach_pb.js'
import { readExecOutput } from '../../../protocol/reach-messages.ts'
import type { ContainerAccess } from '../../../provider-agent/engine/access.ts'
import { serveExec } from '../../../provider-agent/reach/exec.ts'
import type { Reached } from '../../../provider-agent/reach/reached.ts'

const HELLO = { command: ['sh'], terminal: true, columns: 0, rows: 0, input: true } as ReachHello_Exec

/** A command with a terminal that says `on`, and then goes as `last` has it; what it was answered with, in order. */
async function answers(last: (stream: Duplex) => void, signal = new AbortController().signal): Promise<string[]> {
  const sent: Uint8Array[] = []
  const stream = new Duplex({
    read() {},
    write: () => undefined, // reads no input: what is written stays on its way
  })
  const access = {
    exec: async () => ({
      ...{ stream, framed: false },
      resize: async () => undefined,
      exitCode: async () => 4,
      end: async () => undefined,
    }),
  } as unknown as ContainerAccess
  const input = [encode(ExecInputSchema, { content: { case: 'data', value: Buffer.alloc(100_000) } })]
  const channel = {
    send: async (message: Uint8Array) => void sent.push(message),
    receive: async (options?: { signal?: AbortSignal }) => {
      const next = input.shift()
      if (next !== undefined) return next
      return await new Promise<null>((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(options.signal?.reason as Error), { once: true })
      })
    },
    close: async () => undefined,
    abort: () => undefined,
  }
  const over = serveExec({ access }, { channel, name: 'box', signal } as unknown as Reached, HELLO)
  stream.push('on')
  setTimeout(() => last(stream), 10)
  try {
    await over
  } catch (error) {
    sent.push(Buffer.from((error as Error).message))
    return [String(sent.at(-1))]
  }
  return sent.slice(1).map((message) => {
    const { content } = readExecOutput(message)
    if (content.case === 'exited') return `exited with ${content.value.exitCode}`
    return `${content.case}: ${Buffer.from(content.value as Uint8Array)}`
  })
}

const whole = ['stdout: on', 'exited with 4']

test('a command that ends has its exit code told', async () => {
  assert.deepEqual(await answers((stream) => stream.push(null)), whole)
})

for (const code of ['EPIPE', 'ECONNRESET']) {
  test(`so has one whose input the engine hangs up on: ${code}`, async () => {
    const error = Object.assign(new Error(code), { code })
    assert.deepEqual(await answers((stream) => stream.destroy(error)), whole)
  })
}

test('one that its requester let go of has not', async () => {
  const gone = new AbortController()
  const [told, ...more] = await answers(() => gone.abort(), gone.signal)
  assert.match(told ?? '', /premature/i)
  assert.deepEqual(more, [])
})
