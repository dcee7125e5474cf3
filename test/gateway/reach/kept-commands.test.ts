import assert from 'node:assert/strict'
import { beforeEach, describe, it } from 'node:test'
import type { Principal } from '../../../gateway/http/principal.ts'
import {
  createKeptCommands,
  KEPT_MS,
  type KeptCommand,
  MAX_TOLD_BYTES,
  MAX_TOLD_MESSAGES,
  MAX_WAITING,
} from '../../../gateway/reach/kept-commands.ts'

const TOLD = '{"type":"told"}'

/** A socket that notes what it is told; the code of the next one is told first. */
function open() {
  const told: string[] = []
  let isClosed = false
  let isTaken = false
  return {
    told,
    isClosed: () => isClosed,
    isTaken: () => isTaken,
    code: () => JSON.parse(told[0] ?? '{}').code as string,
    send: async (data: Buffer | string) => void told.push(String(data)),
    close(byAnother: boolean) {
      isClosed = true
      isTaken = byAnother
    },
  }
}

describe('commands that outlive their sockets', () => {
  let timers: Set<{ ms: number; callback: () => void }>
  let kept: ReturnType<typeof createKeptCommands>
  let ended: string[]

  beforeEach(() => {
    timers = new Set()
    ended = []
    kept = createKeptCommands((ms, callback) => {
      const timer = { ms, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    })
  })

  function run(name: string, owner = 'ada'): { command: KeptCommand; socket: ReturnType<typeof open> } {
    const principal: Principal = { keyId: owner, owner, grants: [], via: 'key' }
    const session = { write: async () => {}, resize: async () => {}, end: async () => {} }
    const command = kept.keep({ jobId: name, principal, session }, () => ended.push(name))
    const socket = open()
    command.attach(socket)
    return { command, socket }
  }

  it('tell who comes back what they wrote last, also what was written meanwhile', async () => {
    const { command, socket } = run('a')
    await command.tell(Buffer.from('one'))
    command.leave(socket, false)
    await command.tell(Buffer.from('two'))
    assert.deepEqual([kept.waiting(), [...timers].map(({ ms }) => ms)], [1, [KEPT_MS]])
    assert.equal(kept.find(socket.code()), command)
    assert.equal(kept.redeem(socket.code()), command)
    assert.deepEqual([kept.find(socket.code()), kept.redeem(socket.code())], [undefined, undefined])
    const next = open()
    command.attach(next)
    await command.tell(Buffer.from('three'))
    assert.deepEqual(next.told.slice(1), ['one', 'two', TOLD, 'three'])
    assert.deepEqual([kept.waiting(), timers.size, socket.told.slice(1), ended], [0, 0, [TOLD, 'one'], []])
    assert.notEqual(next.code(), socket.code())
  })

  it('are let go after a minute, or at once where nobody is to come back', () => {
    const { command, socket } = run('a')
    command.leave(socket, false)
    for (const { callback } of timers) callback()
    const another = run('b')
    another.command.leave(another.socket, true)
    assert.deepEqual([ended, kept.waiting(), timers.size], [['a', 'b'], 0, 0])
    assert.deepEqual([kept.redeem(socket.code()), kept.redeem(another.socket.code())], [undefined, undefined])
  })

  it('tell how they ended, and nothing more', async () => {
    const { command, socket } = run('a')
    command.leave(socket, false)
    await command.tell('{"type":"exit","exitCode":7}')
    command.finish()
    const next = open()
    kept.redeem(socket.code())?.attach(next)
    assert.deepEqual([next.told.slice(1), next.isClosed()], [['{"type":"exit","exitCode":7}', TOLD], true])
    const another = run('b')
    another.command.finish()
    assert.equal(another.socket.isTaken(), false)
    assert.deepEqual([another.socket.isClosed(), kept.redeem(another.socket.code())], [true, undefined])
  })

  it('have one socket at a time: the one that came last', async () => {
    const { command, socket } = run('a')
    const next = open()
    command.attach(next)
    assert.deepEqual([socket.isClosed(), socket.isTaken()], [true, true])
    command.leave(socket, true)
    await command.tell(Buffer.from('still'))
    assert.deepEqual([next.told.slice(1), ended], [[TOLD, 'still'], []])
  })

  it('are told again within bounds', async () => {
    const { command } = run('a')
    const piece = MAX_TOLD_BYTES / 4
    for (const letter of ['a', 'b', 'c', 'd', 'e']) await command.tell(Buffer.from(letter.repeat(piece)))
    const next = open()
    command.attach(next)
    assert.equal(
      next.told
        .slice(1, -1)
        .map(([letter]) => letter)
        .join(''),
      'bcde',
    )
  })

  it('are told again in few messages, each of one stream', async () => {
    const { command } = run('a')
    for (let i = 0; i < 9_999; i += 1) await command.tell(Buffer.from('1x'))
    for (const text of ['2no', '2 no', '1yes']) await command.tell(Buffer.from(text))
    const next = open()
    command.attach(next)
    await command.tell(Buffer.from('1!'))
    assert.deepEqual(next.told.slice(1), [`1${'x'.repeat(9_999)}`, '2no no', '1yes', TOLD, '1!'])
    for (let i = 0; i < MAX_TOLD_MESSAGES * 2; i += 1) await command.tell(Buffer.from(`${i % 2}x`))
    const last = open()
    command.attach(last)
    assert.equal(last.told.length, MAX_TOLD_MESSAGES + 2)
  })

  it('make room for others of their owner', () => {
    const others = run('other', 'eve')
    others.command.leave(others.socket, false)
    for (let i = 0; i <= MAX_WAITING.owner; i += 1) {
      const { command, socket } = run(`ada ${i}`)
      command.leave(socket, false)
    }
    assert.deepEqual([ended, kept.waiting()], [['ada 0'], MAX_WAITING.owner + 1])
  })
})
