import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { it } from 'node:test'
import { connectProblem, listenProblem, systemProblem } from '../../node/system-problem.ts'

async function errorOf(task: Promise<unknown>): Promise<unknown> {
  return await task.then(
    () => assert.fail('nothing was refused'),
    (error: unknown) => error,
  )
}

it('what the system refuses has a remedy, wherever in the causes it stands', async () => {
  const error = await errorOf(mkdir('/dev/null/folder'))
  const sentence = 'mkdir /dev/null/folder: a part of this path is a file: choose another place (ENOTDIR)'
  assert.equal(systemProblem(error), sentence)
  assert.equal(systemProblem(new Error('around', { cause: new Error('and around', { cause: error }) })), sentence)
  const server = createServer()
  const refused = new Promise((_, reject) => server.once('error', reject))
  server.listen(0, '203.0.113.1')
  assert.match(systemProblem(await errorOf(refused)) ?? '', /^listen 203\.0\.113\.1: this machine has no such address/)
})

it('what cannot be listened on is told with the flag that changes it', () => {
  const flags = { port: ' with --port', address: ' with --host' }
  for (const [code, sentence] of [
    ['EADDRINUSE', /^another program listens there: .* another port with --port$/],
    ['EACCES', /^this user may not use that port: .* with --port$/],
    ['EADDRNOTAVAIL', /^this machine has no such address: .* with --host$/],
    ['EAFNOSUPPORT', /: .* with --host$/],
    ['ENOTFOUND', /^there is no such name: .* with --host$/],
  ] as const) {
    assert.match(listenProblem(code, flags) ?? '', sentence, code)
    const error = Object.assign(new Error('x'), { code, syscall: 'listen' })
    assert.match(systemProblem(error) ?? '', new RegExp(`^listen: .* \\(${code}\\)$`), code)
  }
  assert.equal(listenProblem('EWHATEVER', flags), null)
})

it('what is said of another machine is told by the first code that is known', () => {
  assert.equal(connectProblem('AggregateError; connect ECONNREFUSED 127.0.0.1:9'), 'nobody listens there')
  assert.equal(connectProblem('getaddrinfo ENOTFOUND nobody.invalid'), 'there is no such name')
  assert.equal(connectProblem('Encryption failed'), null)
})

it('LevelDB says in words that a disk is full', () => {
  const error = new Error('IO error: /x/MANIFEST-000001: No space left on device')
  assert.match(systemProblem(error) ?? '', /^the disk is full/)
})

it('other errors are none of the system', () => {
  assert.equal(systemProblem(new TypeError('x is not a function')), null)
  assert.equal(systemProblem('text'), null)
})
