import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { execEvents } from '../../../gateway/reach/exec-answers.ts'
import { type ExecEvent, type ExecSession, ReachError } from '../../../node/reach/index.ts'

const never = new AbortController().signal
const wrote = (type: 'stdout' | 'stderr', ...data: number[]): ExecEvent => ({ type, data: Uint8Array.from(data) })

/** A command that says this, and whether it was let go of. */
function session(...events: (ExecEvent | Error)[]): ExecSession & { isClosed: boolean } {
  const one = {
    isClosed: false,
    async *output() {
      for (const event of events) {
        if (event instanceof Error) throw event
        yield event
      }
    },
    close() {
      one.isClosed = true
    },
  }
  return one as unknown as ExecSession & { isClosed: boolean }
}

async function told(of: ExecSession, signal = never) {
  return (await Array.fromAsync(execEvents(of, signal))).flat().map(({ event, data }) => [event, data])
}

describe('what a command writes, as events', () => {
  it('is text, whatever pieces its characters come in, each stream by itself', async () => {
    const command = session(
      ...[wrote('stdout', 0x61, 0xc3), wrote('stderr', 0xe2), wrote('stdout', 0xa9), wrote('stderr', 0x82, 0xac)],
      ...[wrote('stdout', 0xef, 0xbb, 0xbf, 0xff), wrote('stderr', 0xc3), { type: 'exited', exitCode: 3 } as const],
    )
    assert.deepEqual(await told(command), [
      ['stdout', { text: 'a' }],
      ['stdout', { text: 'é' }],
      ['stderr', { text: '€' }],
      ['stdout', { text: '\ufeff\ufffd' }],
      ['stderr', { text: '\ufffd' }],
      ['exit', { exitCode: 3 }],
    ])
    assert.equal(command.isClosed, true)
  })

  it('says why it broke, and nothing to whoever left', async () => {
    const broken = () => session(wrote('stdout', 0x61), new ReachError('UNREACHABLE', 'gone'))
    const events = await told(broken())
    assert.deepEqual(
      events.map(([event]) => event),
      ['stdout', 'error'],
    )
    assert.match(JSON.stringify(events[1]), /"message":"gone","status":503/)
    const left = broken()
    assert.deepEqual(await told(left, AbortSignal.abort()), [['stdout', { text: 'a' }]])
    assert.equal(left.isClosed, true)
  })

  it('lets go of a command whose reader has gone before it asked for anything', async () => {
    const command = session(wrote('stdout', 0x61))
    const gone = new AbortController()
    const events = execEvents(command, gone.signal)
    gone.abort()
    await events.return(undefined)
    assert.equal(command.isClosed, true)
  })

  it('ends without an exit code where it took too long', async () => {
    const command = session(wrote('stdout', 0x61), new ReachError('UNREACHABLE', 'let go of'))
    const events = await Array.fromAsync(execEvents(command, never, AbortSignal.abort()))
    assert.deepEqual(events.flat().at(-1), { event: 'exit', data: { exitCode: null } })
  })
})
