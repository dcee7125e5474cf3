import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { findEngine, mayUse, type SocketState, usualSockets } from '../../../provider-agent/engine/find-engine.ts'

const ENV = { HOME: '/home/me', XDG_RUNTIME_DIR: '/run/user/1000' }

/** With these sockets, and no others. */
function found(sockets: Record<string, SocketState>): Promise<string> {
  return findEngine({ env: ENV, probe: async (path) => sockets[path] ?? 'missing' })
}

describe('the engine of this machine', () => {
  it('entry 49: that was named is not used without permission, and waited for where it does not answer', async () => {
    const at = 'unix:///run/mine.sock'
    const looked = async (state: SocketState) => await mayUse(at, async () => state)
    assert.equal(await looked('answers'), null)
    await assert.rejects(
      looked('denied'),
      /No permission to use unix:\/\/\/run\/mine\.sock \(--docker-host, DOCKER_HOST\): add/,
    )
    assert.match((await looked('missing')) ?? '', /no engine at unix:.*--docker-host.*until one does/)
    assert.match((await looked('silent')) ?? '', /No engine answers at/)
    assert.match((await mayUse('unix:///nowhere/engine.sock')) ?? '', /There is no engine at/)
    await assert.rejects(mayUse('nonsense'), /--docker-host nonsense is no engine’s address/)
  })

  it('is looked for in the usual places, rootless ones too', () => {
    assert.deepEqual(usualSockets(ENV), [
      '/var/run/docker.sock',
      '/run/user/1000/docker.sock',
      '/home/me/.docker/run/docker.sock',
      '/home/me/.docker/desktop/docker.sock',
      '/run/podman/podman.sock',
      '/run/user/1000/podman/podman.sock',
    ])
    assert.deepEqual(usualSockets({}), ['/var/run/docker.sock', '/run/podman/podman.sock'])
  })

  const cases: [what: string, sockets: Record<string, SocketState>, address: string][] = [
    ['Docker', { '/var/run/docker.sock': 'answers', '/run/podman/podman.sock': 'answers' }, '/var/run/docker.sock'],
    ['Podman alone', { '/run/podman/podman.sock': 'answers' }, '/run/podman/podman.sock'],
    [
      'a rootless one where the other is closed to this user',
      { '/var/run/docker.sock': 'denied', '/run/user/1000/podman/podman.sock': 'answers' },
      '/run/user/1000/podman/podman.sock',
    ],
    ['one that is not up yet', { '/var/run/docker.sock': 'silent' }, '/var/run/docker.sock'],
    [
      'one that answers before one that is not up',
      { '/var/run/docker.sock': 'silent', '/run/podman/podman.sock': 'answers' },
      '/run/podman/podman.sock',
    ],
  ]
  for (const [what, sockets, path] of cases) {
    it(`is ${what}`, async () => assert.equal(await found(sockets), `unix://${path}`))
  }

  it('is missed in one line that says what to do', async () => {
    await assert.rejects(
      found({}),
      /^Error: No container engine found .*--docker-host unix:\/\/\/path \(DOCKER_HOST\)$/,
    )
    await assert.rejects(
      found({ '/var/run/docker.sock': 'denied' }),
      /^Error: No permission to use \/var\/run\/docker.sock/,
    )
  })

  it('is known by its answer', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-find-'))
    await mkdir(join(folder, 'podman'))
    const server = createServer((_request, response) => response.end('OK'))
    server.listen(join(folder, 'podman/podman.sock'))
    await once(server, 'listening')
    const env = { XDG_RUNTIME_DIR: folder }
    // A machine's own engine would be found first.
    const found = await findEngine({ env }).finally(() => server.close())
    assert.ok(usualSockets(env).includes(found.slice('unix://'.length)))
    await rm(folder, { recursive: true })
  })
})
