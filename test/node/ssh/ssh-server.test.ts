import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import ssh2 from 'ssh2'
import { silentLogger } from '../../../node/logger.ts'
import { fingerprintOf, type HostKey, loadHostKey } from '../../../node/ssh/host-key.ts'
import { MAX_STRANGERS, type SshServer } from '../../../node/ssh/index.ts'
import { parsePublicKey } from '../../../node/ssh/public-key.ts'
import { createSshServer } from '../../../node/ssh/serve.ts'
import { localTarget } from './support/local-target.ts'
import { hasSsh, QUIET, ran } from './support/ssh-client.ts'

const HAS_SSH = await hasSsh()
const MUCH = 8_000_000

describe('an SSH server before a job', { skip: HAS_SSH ? false : 'OpenSSH is not here' }, () => {
  let folder: string
  let port: number
  let listener: Server
  let server: SshServer
  let hostKey: HostKey
  let known: Buffer
  const exposed = new Set<number>()
  const ends = new Set<() => void>()
  let refusals = 0
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-ssh-'))
    hostKey = await loadHostKey(join(folder, 'host.key'))
    for (const name of ['mine', 'stranger']) {
      const pair = ssh2.utils.generateKeyPairSync('ed25519')
      await writeFile(join(folder, name), pair.private, { mode: 0o600 })
      if (name === 'mine') known = parsePublicKey(pair.public).blob
    }
    server = createSshServer(
      { logger: silentLogger },
      {
        hostKey,
        door: {
          admit: async ({ blob }) =>
            blob.equals(known)
              ? {
                  ...{ name: 'mine', target: localTarget(exposed) },
                  watch(end) {
                    ends.add(end)
                    return () => ends.delete(end)
                  },
                }
              : null,
          refused: async () => undefined,
          failed() {
            refusals += 1
          },
        },
      },
    )
    listener = createServer((socket) => server.serve(socket, socket.remoteAddress ?? ''))
    listener.listen(0, '127.0.0.1')
    await once(listener, 'listening')
    ;({ port } = listener.address() as AddressInfo)
  })
  after(async () => {
    server.stop()
    listener.close()
    await rm(folder, { recursive: true, force: true })
  })

  const words = (...more: string[]): string[] => [
    ...[...QUIET, '-i', join(folder, 'mine'), '-p', String(port), ...more.slice(0, -1), 'job@127.0.0.1'],
    ...more.slice(-1),
  ]

  test('a command has its input, output, errors and exit code', async () => {
    const said = await ran('ssh', words('cat; echo "$0 $1" a "b  c"; echo wrong >&2; exit 7'), 'given\n')
    assert.deepEqual(said, { code: 7, stdout: 'given\nsh  a b  c\n', stderr: 'wrong\n' })
  })

  test('much goes through either way, to the byte', async () => {
    const said = await ran('ssh', words('wc -c; head -c 8000000 /dev/zero'), Buffer.alloc(MUCH, 'x'))
    assert.equal(said.code, 0, said.stderr)
    assert.equal(said.stdout.length, MUCH + `${MUCH}\n`.length)
  })

  test('a shell reads its commands, and has the variables of its client', async () => {
    const env = { ...process.env, LC_TEST: 'of the client' }
    const said = await ran(
      'ssh',
      words('-T', '-o', 'SendEnv=LC_TEST', '--').slice(0, -1),
      'echo $LC_TEST; exit 3\n',
      env,
    )
    assert.deepEqual(said, { code: 3, stdout: 'of the client\n', stderr: '' })
  })

  test('a stranger is refused, and told of each time', async () => {
    const before = refusals
    const said = await ran('ssh', [
      ...QUIET,
      '-i',
      join(folder, 'stranger'),
      '-p',
      String(port),
      'job@127.0.0.1',
      'true',
    ])
    assert.equal(said.code, 255)
    assert.match(said.stderr, /Permission denied \(publickey\)/)
    assert.equal(refusals - before, 1)
  })

  test('whoever may be here no longer is cut off', async () => {
    const child = spawn('ssh', words('echo up; sleep 600'), { stdio: 'pipe' })
    const exit = once(child, 'exit')
    await Promise.race([once(child.stdout, 'data'), exit])
    for (const end of [...ends]) end()
    const [code] = await exit
    assert.equal(code, 255)
  })

  test('a signal reaches the command, and is what it ended by', async () => {
    const client = new ssh2.Client()
    const { privateKey } = {
      privateKey: await import('node:fs/promises').then((fs) => fs.readFile(join(folder, 'mine'))),
    }
    client.connect({ host: '127.0.0.1', port, username: 'job', privateKey })
    await once(client, 'ready')
    const cases: [script: string, signal: string, exit: unknown[]][] = [
      ['echo up; sleep 600', 'TERM', [null, 'SIGTERM']],
      ['trap "exit 5" USR1; echo up; while :; do sleep 0.1; done', 'USR1', [5]],
    ]
    for (const [script, signal, expected] of cases) {
      const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) =>
        client.exec(script, (error, opened) => (error === undefined ? resolve(opened) : reject(error))),
      )
      const ended = once(channel, 'exit')
      await once(channel, 'data')
      channel.resume()
      channel.signal(signal)
      assert.deepEqual((await ended).slice(0, expected.length), expected, signal)
    }
    client.end()
  })

  test('ports are reached, those that are exposed and those within', async () => {
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket))
    echo.listen(0, '127.0.0.1')
    await once(echo, 'listening')
    const { port: target } = echo.address() as AddressInfo
    for (const isExposed of [true, false]) {
      if (isExposed) exposed.add(target)
      else exposed.clear()
      const said = await ran('ssh', words('-W', `localhost:${target}`, '--').slice(0, -1), Buffer.alloc(MUCH, 'y'))
      assert.equal(said.stdout.length, MUCH, `${isExposed} ${said.stderr}`)
      assert.equal(said.code, 0)
    }
    echo.close()
    const said = await ran('ssh', words('-W', 'localhost:1', '--').slice(0, -1))
    assert.notEqual(said.code, 0)
  })

  test('what a client is not given is refused, and the rest goes on', async () => {
    const wanted = ['-R', '0:localhost:1', '-A', '-X']
    assert.equal((await ran('ssh', words(...wanted, 'echo on'))).stdout, 'on\n')
    assert.equal((await ran('ssh', words(...wanted, '-o', 'ExitOnForwardFailure=yes', 'echo on'))).code, 255)
  })

  test('strangers that say nothing make room for others', async () => {
    const idle = Array.from({ length: MAX_STRANGERS.address + 5 }, () => connect(port, '127.0.0.1'))
    for (const socket of idle) socket.on('error', () => undefined)
    await Promise.all(idle.map(async (socket) => await once(socket, 'connect')))
    await Promise.all(idle.slice(0, 5).map(async (socket) => await buffer(socket)))
    assert.equal((await ran('ssh', words('echo in'))).stdout, 'in\n')
    for (const socket of idle) socket.destroy()
  })

  test('noise ends its own connection alone', async () => {
    for (const noise of ['GET / HTTP/1.1\r\n\r\n', 'SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff', 'x'.repeat(300_000)]) {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined)
      socket.write(Buffer.from(noise, 'latin1'))
      socket.resume()
      await new Promise((resolve) => socket.once('close', resolve))
    }
    assert.equal((await ran('ssh', words('echo in'))).stdout, 'in\n')
  })

  test('its host key stays, and only its owner reads it', async () => {
    assert.deepEqual(await loadHostKey(join(folder, 'host.key')), hostKey)
    assert.equal(fingerprintOf(parsePublicKey(hostKey.publicLine).blob), hostKey.fingerprint)
  })
})
