import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { TAKEN_CLOSE } from '../../../gateway/contract/exec-closes.ts'
import {
  createExecSession,
  type ExecEnd,
  type ExecHandlers,
  type ExecSocket,
  MAX_WAITING_BYTES,
} from '../../../gateway/dashboard/src/jobs/terminal/exec-session.ts'

/** A socket whose other end is the test. */
function play(init = {}) {
  const sent: (string | Uint8Array)[] = []
  const shown: { text: string; done(): void }[] = []
  const ends: ExecEnd[] = []
  const codes: string[] = []
  const socket: ExecSocket & { readyState: number } = {
    ...{ binaryType: '', readyState: 0, onopen: null, onmessage: null, onclose: null },
    send: (data) => void sent.push(data),
    close() {
      socket.readyState = 3
      socket.onclose?.({} as never)
    },
  }
  const handlers: ExecHandlers = {
    onOpen: () => undefined,
    onKept: (code) => void codes.push(code),
    onOutput: (data, done) => void shown.push({ text: new TextDecoder().decode(data), done }),
    onEnd: (end) => void ends.push(end),
  }
  const session = createExecSession(socket, handlers, init)
  return {
    ...{ sent, shown, ends, codes, socket, session },
    output: (text: string, stream = 1) =>
      socket.onmessage?.({
        data: Uint8Array.from(Buffer.concat([Buffer.of(stream), Buffer.from(text)])).buffer,
      } as never),
    word: (text: string) => socket.onmessage?.({ data: text } as never),
  }
}

describe('a command’s connection', () => {
  it('shows both streams, and sends input and sizes once it is open', () => {
    const { session, socket, sent, shown, output } = play()
    session.write(Uint8Array.of(1))
    session.resize(80, 24)
    assert.deepEqual(sent, [])
    socket.readyState = 1
    session.write(Uint8Array.of(104, 105))
    session.resize(100, 30)
    assert.deepEqual(sent, [Uint8Array.of(104, 105), '{"type":"resize","columns":100,"rows":30}'])
    output('out')
    output('err', 2)
    socket.onmessage?.({ data: new ArrayBuffer(0) } as never)
    assert.deepEqual(
      shown.map(({ text }) => text),
      ['out', 'err', ''],
    )
  })

  it('tells the code of the next socket, which ends nothing', () => {
    const { word, codes, ends } = play()
    word('{"type":"kept","code":"abc"}')
    assert.deepEqual([codes, ends], [['abc'], []])
  })

  it('sends nothing that the terminal answers to what is told again', () => {
    const { session, socket, sent, shown, output, word } = play({ isAgain: true })
    socket.readyState = 1
    word('{"type":"kept","code":"abc"}')
    output('\x1b[6n')
    word('{"type":"told"}')
    session.write(Uint8Array.of(1))
    for (const { done } of shown) done()
    session.write(Uint8Array.of(2))
    assert.deepEqual(sent, [Uint8Array.of(2)])
  })

  const ends: [what: string, word: string, wanted: ExecEnd][] = [
    ['its exit code', '{"type":"exit","exitCode":7}', { type: 'exited', exitCode: 7 }],
    [
      'the gateway’s word',
      '{"type":"error","error":{"code":"X","message":"no sh"}}',
      { type: 'refused', message: 'no sh' },
    ],
    ['an error without a word', '{"type":"error"}', { type: 'refused', message: 'The gateway broke off' }],
  ]
  for (const [what, word, wanted] of ends) {
    it(`ends with ${what}, and that once`, () => {
      const { ends: told, socket, word: say } = play()
      say(word)
      socket.close()
      assert.deepEqual(told, [wanted])
    })
  }

  it('does not trust the gateway’s words', () => {
    const { ends: told, word } = play()
    word('not JSON')
    assert.equal(told[0]?.type, 'refused')
  })

  it('is lost where nobody says how it ended, taken where another goes on with it, and closed where one closes it', () => {
    const lost = play()
    lost.socket.close()
    assert.deepEqual(lost.ends, [{ type: 'lost' }])
    const taken = play()
    taken.socket.onclose?.({ code: TAKEN_CLOSE } as never)
    assert.deepEqual(taken.ends, [{ type: 'taken' }])
    const closed = play()
    closed.session.close()
    assert.deepEqual(closed.ends, [{ type: 'closed' }])
  })

  it('leaves out what comes faster than it is shown, and says so', () => {
    const { output, shown } = play()
    const half = 'x'.repeat(MAX_WAITING_BYTES / 2)
    for (let i = 0; i < 5; i += 1) output(half)
    assert.equal(shown.length, 2)
    for (const { done } of shown) done()
    output('prompt')
    assert.match(shown[2]?.text ?? '', new RegExp(`\\[${3 * half.length} bytes came too fast to be shown\\]`))
    assert.equal(shown[3]?.text, 'prompt')
  })
})
