import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import Docker from 'dockerode'
import { withWholeAnswers } from '../../../provider-agent/engine/whole-answers.ts'

const head = (length: number, status = '200 OK'): string =>
  `HTTP/1.1 ${status}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\nConnection: close\r\n\r\n`

describe('answers of the engine', () => {
  let folder: string
  let server: Server
  let docker: Docker
  let answer: (socket: Socket) => void

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-answers-'))
    const socketPath = join(folder, 'docker.sock')
    server = createServer((socket) => {
      socket.once('data', () => answer(socket))
      socket.on('error', () => undefined) // the client aborted
    }).listen(socketPath)
    await once(server, 'listening')
    docker = withWholeAnswers(new Docker({ socketPath }))
  })

  afterEach(async () => {
    server.close()
    await rm(folder, { recursive: true })
  })

  it('are read to their end', async () => {
    answer = (socket) => {
      socket.write(`${head(16)}{"StatusC`)
      setImmediate(() => socket.end('ode":7}'))
    }
    assert.deepEqual(await docker.getContainer('any').wait(), { StatusCode: 7 })
  })

  it('fail the call where they are cut off before or after the first byte', async () => {
    for (const part of ['', head(16), `${head(16)}{"Status`, `${head(16, '500 Internal Server Error')}{"mess`]) {
      answer = (socket) => socket.write(part, () => socket.destroy())
      await assert.rejects(docker.getContainer('any').wait(), Error, `after ${part.length} bytes`)
    }
  })

  it('can be aborted while they come', async () => {
    const abort = new AbortController()
    answer = (socket) => socket.write(`${head(16)}{"Status`, () => setImmediate(() => abort.abort()))
    await assert.rejects(docker.getContainer('any').wait({ abortSignal: abort.signal }), { name: 'AbortError' })
  })

  it('keep the status of an error, and an empty one is no error', async () => {
    answer = (socket) => socket.end(`${head(21, '404 Not Found')}{"message":"no such"}`)
    await assert.rejects(docker.getContainer('any').wait(), { statusCode: 404, message: /no such\s*$/ })
    answer = (socket) => socket.end('HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n')
    await docker.getContainer('any').start()
  })

  it('are asked for again where a process ended under the look at it, but only where asking changes nothing', async () => {
    let asked = 0
    const message = JSON.stringify({ message: 'read /proc/71/cgroup: no such process' })
    answer = (socket) => {
      asked += 1
      socket.end(asked === 1 ? `${head(message.length, '500 Internal Server Error')}${message}` : `${head(8)}{"Id":1}`)
    }
    assert.deepEqual(await docker.getContainer('any').inspect(), { Id: 1 })
    assert.equal(asked, 2)
    asked = 0
    await assert.rejects(docker.getContainer('any').start(), { statusCode: 500 })
    assert.equal(asked, 1)
  })
})
