import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import ssh2 from 'ssh2'
import { CortexClient } from '../../gateway/client/index.ts'
import { findProgram } from '../../scripts/apt.ts'
import { freePort } from '../../scripts/free-port.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { hasSsh, QUIET, type Ran, ran } from '../node/ssh/support/ssh-client.ts'
import { until } from '../support/until.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'
import { startCortex } from './support/program.ts'

const HAS_SSH = await hasSsh()
const HAS_PROGRAMS = (await findProgram('rsync')) !== null && (await findProgram('git')) !== null
const SESSIONS = 50

/** One port that the job exposes, and one that only the container itself reaches. */
const JOB = `mkdir /www; echo page > /www/index.html
httpd -p 8080 -h /www; httpd -p 127.0.0.1:9090 -h /www; echo up; exec sleep 3600`

describe('a job by SSH', { skip: HAS_SSH ? false : 'OpenSSH is not here' }, () => {
  let market: TestMarket
  let api: Api
  let client: CortexClient
  let folder: string
  let id: string
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market, { ssh: { port: 0 } })
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    folder = await mkdtemp(join(tmpdir(), 'cortex-ssh-'))
    for (const name of ['mine', 'stranger', 'other']) {
      const pair = ssh2.utils.generateKeyPairSync('ed25519')
      await writeFile(join(folder, name), pair.private, { mode: 0o600 })
      await writeFile(join(folder, `${name}.pub`), `${pair.public} ${name}@laptop\n`)
    }
    id = await api.submit(
      market.job(JOB, {
        duration: 3_600,
        network: 'bridge',
        memory: '256Mi',
        storage: '128Mi',
        ports: [{ port: 8080 }],
      }),
    )
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
    await client.sshKeys.add({ publicKey: await publicKey('mine') })
  })
  after(async () => {
    await market?.close()
    await rm(folder, { recursive: true, force: true })
  })

  const publicKey = async (name: string): Promise<string> => await readFile(join(folder, `${name}.pub`), 'utf8')

  /** OpenSSH's client at the gateway's port. */
  function atPort(...more: string[]): string[] {
    return [...QUIET, '-i', join(folder, 'mine'), '-p', String(api.sshPort), ...more]
  }
  const host = (): string => `${id}@127.0.0.1`

  /** This program, as a user has it who gave it nothing but the key of the API. */
  const environment = (): NodeJS.ProcessEnv => ({
    ...{ ...process.env, HOME: folder, XDG_CONFIG_HOME: join(folder, 'config') },
    ...{ CORTEX_GATEWAY: api.url, CORTEX_KEY: api.key },
  })
  async function cortex(args: string[], input = ''): Promise<Ran> {
    return await ran(process.execPath, [PROGRAM, ...args], input, environment())
  }

  async function page(port: number): Promise<string> {
    const response = await fetch(`http://127.0.0.1:${port}/`)
    return await response.text()
  }

  /** Resolves when somebody listens there. */
  async function listening(port: number, child: ChildProcess): Promise<void> {
    while (child.exitCode === null) {
      const socket = connect(port, '127.0.0.1')
      const isOpen = await once(socket, 'connect').then(
        () => true,
        () => false,
      )
      socket.destroy()
      if (isOpen) return
    }
    throw new Error(`It ended with ${child.exitCode}`)
  }

  test('the command needs a key of the API alone, and no port of the gateway', async () => {
    const said = await cortex(['ssh', id, '--', 'cat; echo wrong >&2; exit 7'], 'given\n')
    assert.deepEqual({ code: said.code, stdout: said.stdout }, { code: 7, stdout: 'given\n' }, said.stderr)
    assert.match(said.stderr, /^wrong$/m)
    const begins = await cortex(['ssh', id.slice(0, -2), '--', 'hostname'])
    assert.equal(begins.code, 0, begins.stderr)
  })

  test('a job of a client command is found without a gateway', async () => {
    const data = ['--data', join(folder, 'data')]
    const bootstrap = market.bootstrap.flatMap((address) => ['--bootstrap', address])
    const where = ['--network', market.network, '--no-mdns', '--listen', '/ip4/127.0.0.1/tcp/0', ...bootstrap]
    const small = ['--cpu', '100', '--memory', '16Mi', '--storage', '16Mi', '--name', 'here']
    const script = 'echo up; read -r line </tmp/end'
    const words = ['run', ...data, ...where, ...small, market.image, '--', 'sh', '-c', `mkfifo /tmp/end; ${script}`]
    const run = startCortex(words, { HOME: folder, XDG_CONFIG_HOME: join(folder, 'config') })
    await run.prints(/up/)
    const config = join(folder, 'own-config')
    await writeFile(config, (await cortex(['ssh-config', ...data])).stdout)
    const sent = await ran('scp', ['-F', config, join(folder, 'mine.pub'), 'here.cortex:/tmp/sent'], '', environment())
    assert.deepEqual(sent, { code: 0, stdout: '', stderr: '' })
    const said = await cortex(
      ['ssh', ...data, '--gateway', 'http://127.0.0.1:9', 'here', '--', 'cat /tmp/sent -; exit 8'],
      'given\n',
    )
    const expected = `${await publicKey('mine')}given\n`
    assert.deepEqual({ code: said.code, stdout: said.stdout }, { code: 8, stdout: expected }, said.stderr)
    await cortex(['ssh', ...data, 'here', '--', 'echo >/tmp/end'])
    assert.equal((await run.ended).code, 0)
  })

  test('plain ssh finds jobs by what the command writes for it', async () => {
    const written = await cortex(['ssh-config'])
    assert.equal(written.code, 0, written.stderr)
    const file = join(folder, 'ssh-config')
    await writeFile(file, written.stdout)
    const said = await ran('ssh', ['-F', file, `${id}.cortex`, 'echo in; exit 4'], '', environment())
    assert.deepEqual({ code: said.code, stdout: said.stdout }, { code: 4, stdout: 'in\n' }, said.stderr)
  })

  test('commands, shells and terminals at the port of the gateway', async () => {
    const said = await ran('ssh', atPort(host(), 'cat; exit 9'), 'given\n')
    assert.deepEqual(said, { code: 9, stdout: 'given\n', stderr: '' })
    const shell = await ran('ssh', atPort('-T', host()), 'cd /www && cat index.html; exit 3\n')
    assert.deepEqual(shell, { code: 3, stdout: 'page\n', stderr: '' })
    const terminal = await ran('ssh', atPort('-tt', host(), 'test -t 0 && tty && echo $TERM'))
    assert.match(terminal.stdout, /^\/dev\/pts\/\d+\r\n/)
    const missing = await ran('ssh', atPort(host(), 'no-such-program'))
    assert.equal(missing.code, 127)
  })

  /** Ways for OpenSSH's programs: what they are told, and what the job is called there. */
  const ways: [name: string, open: () => Promise<{ how: string[]; at: string; none: string }>][] = [
    [
      'at the port of the gateway',
      async () => ({
        how: [...QUIET, '-i', join(folder, 'mine'), '-o', `Port=${api.sshPort}`],
        ...{ at: host(), none: 'job_00000000000000000000000000@127.0.0.1' },
      }),
    ],
    [
      'by what the command writes',
      async () => {
        const file = join(folder, 'files-config')
        await writeFile(file, (await cortex(['ssh-config'])).stdout)
        return { how: ['-F', file], at: `${id}.cortex`, none: 'job_00000000000000000000000000' }
      },
    ],
  ]
  for (const [way, open] of ways) {
    test(`files and folders go there and back by scp and sftp, ${way}`, async () => {
      const { how, at, none } = await open()
      const run = async (program: string, words: string[], input = ''): Promise<Ran> =>
        await ran(program, [...how, ...words], input, environment())
      const own = await mkdtemp(join(folder, 'files-'))
      const large = randomBytes(3_000_001)
      await mkdir(join(own, 'tree', 'deep'), { recursive: true })
      await writeFile(join(own, 'tree', 'large'), large, { mode: 0o600 })
      await writeFile(join(own, 'tree', 'deep', 'small'), 'small')
      await utimes(join(own, 'tree', 'large'), 1_600_000_000, 1_600_000_000)
      await run('ssh', [at, 'rm -rf /tree /made'])
      const sent = await run('scp', ['-r', '-p', join(own, 'tree'), `${at}:/tree`])
      assert.deepEqual(sent, { code: 0, stdout: '', stderr: '' })
      const there = await run('ssh', [at, 'cd /tree; stat -c "%a %Y" large; cat deep/small'])
      assert.equal(there.stdout, '600 1600000000\nsmall')
      const batch = ['mkdir /made', 'chmod 700 /made', 'rename /tree/deep/small /made/moved', 'ls -l /made', 'pwd']
      const said = await run('sftp', ['-b', '-', at], `${batch.join('\n')}\n`)
      assert.equal(said.code, 0, said.stderr)
      assert.match(said.stdout, /-rw-r--r-- .* 5 .*moved\n/)
      const back = await run('scp', ['-r', `${at}:/tree`, join(own, 'back')])
      assert.deepEqual(back, { code: 0, stdout: '', stderr: '' })
      assert.deepEqual(await readFile(join(own, 'back', 'large')), large)
      const missing = await run('scp', [`${at}:/nothing`, join(own, 'none')])
      assert.equal(missing.code, 1)
      assert.match(missing.stderr, /No such file/)
      assert.notEqual((await run('scp', [join(own, 'tree', 'large'), `${none}:/x`])).code, 0)
    })
  }

  test('rsync and git go by what the command writes, there and back', {
    skip: HAS_PROGRAMS ? false : 'no rsync or git',
  }, async () => {
    const [, open] = ways[1] ?? assert.fail()
    const { how, at } = await open()
    const own = await mkdtemp(join(folder, 'programs-'))
    const [rsync, git] = [await findProgram('rsync'), await findProgram('git')]
    // The image has neither: those of this machine, with what they are linked to, by SSH as well.
    const linked = (await ran('ldd', [rsync ?? '', git ?? ''])).stdout.match(/\/\S+\.so\S*/g) ?? []
    const paths = [rsync ?? '', git ?? '', ...linked].map((path) => path.slice(1))
    const send = `tar -chf - -C / ${[...new Set(paths)].join(' ')} | ssh ${how.join(' ')} ${at} '
      tar -xf - -C / && for name in git-upload-pack git-receive-pack; do ln -sf ${git} /usr/bin/$name; done'`
    const sent = await ran('sh', ['-c', send], '', environment())
    assert.equal(sent.code, 0, sent.stderr)
    const shell = ['ssh', ...how].join(' ')
    const run = async (program: string, ...words: string[]): Promise<string> => {
      const quiet = { GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' }
      const said = await ran(program, words, '', {
        ...environment(),
        ...quiet,
        RSYNC_RSH: shell,
        GIT_SSH_COMMAND: shell,
      })
      assert.equal(said.code, 0, `${program} ${words.join(' ')}: ${said.stderr}`)
      return said.stdout
    }

    await mkdir(join(own, 'tree', 'deep'), { recursive: true })
    const large = randomBytes(2_000_003)
    await writeFile(join(own, 'tree', 'large'), large)
    await writeFile(join(own, 'tree', 'deep', 'small'), 'small')
    await run('rsync', '-a', `${own}/tree/`, `${at}:/synced`)
    assert.equal(
      await run('ssh', ...how, at, 'wc -c < /synced/large; cat /synced/deep/small'),
      `${large.length}\nsmall`,
    )
    await rm(join(own, 'tree', 'deep'), { recursive: true })
    await run('rsync', '-a', '--delete', `${own}/tree/`, `${at}:/synced`)
    await run('rsync', '-a', `${at}:/synced/`, join(own, 'back'))
    assert.deepEqual(await readdir(join(own, 'back')), ['large'])
    assert.deepEqual(await readFile(join(own, 'back', 'large')), large)

    await run('ssh', ...how, at, 'git init -q --bare -b main /repo')
    const me = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.com', '-C', join(own, 'clone')]
    await run('git', 'clone', '-q', `ssh://${at}/repo`, join(own, 'clone'))
    await writeFile(join(own, 'clone', 'file'), large)
    await run('git', ...me, 'add', 'file')
    await run('git', ...me, 'commit', '-q', '-m', 'one')
    await run('git', ...me, 'push', '-q', 'origin', 'HEAD:main')
    await run('git', 'clone', '-q', `ssh://${at}/repo`, join(own, 'again'))
    assert.deepEqual(await readFile(join(own, 'again', 'file')), large)
  })

  test('an editor puts its server there, starts it, and reaches it on the container’s loopback', async () => {
    const [, open] = ways[1] ?? assert.fail()
    const { how, at } = await open()
    const socks = await freePort()
    const words = [...how, '-T', '-D', String(socks), '-o', 'ConnectTimeout=60', at, 'sh']
    const child = spawn('ssh', words, { stdio: 'pipe', env: environment() })
    try {
      const problem = text(child.stderr)
      // What Visual Studio Code's extension sends, but for the server, which it fetches.
      child.stdin.write(`uname -rsv; umask 077; mkdir -p "$HOME/.vscode-server/bin/abc" && cd "$HOME/.vscode-server/bin/abc" || exit 12
printf 'token' > .token; chmod 600 .token; echo editor > index.html
httpd -f -p 127.0.0.1:9191 -h . > .log 2>&1 < /dev/null &
echo $! > .pid; echo 'abc: start'; tries=0
until wget -q -T 20 -O /dev/null http://127.0.0.1:9191/ || ! kill -0 $(cat .pid) || [ $tries = 600 ]; do tries=$((tries + 1)); sleep 0.1; done
kill -0 $(cat .pid) && echo 'listeningOn==9191=='; cat .log; echo 'abc: end'
`)
      let said = ''
      child.stdout.on('data', (data) => {
        said += String(data)
      })
      while (!/abc: end/.test(said) && !child.stdout.closed) {
        await Promise.race([once(child.stdout, 'data'), once(child.stdout, 'close')])
      }
      assert.match(said, /^Linux .*\nabc: start\nlisteningOn==9191==\n/, said === '' ? await problem : said)
      const curl = await ran('curl', ['-sS', '-x', `socks5h://127.0.0.1:${socks}`, 'http://127.0.0.1:9191/'])
      assert.equal(curl.stdout, 'editor\n', curl.stderr)
    } finally {
      child.kill()
    }
  })

  test('a terminal has the size of its client, also when that changes, and its keys', async () => {
    const own = new ssh2.Client()
    const privateKey = await readFile(join(folder, 'mine'))
    own.connect({ host: '127.0.0.1', port: api.sshPort ?? 0, username: id, privateKey })
    await once(own, 'ready')
    // An engine before Docker 23 tells a terminal its size once its program runs.
    const script =
      'trap "echo interrupted; exit 6" INT; until stty size 2>&1 | grep "31 101"; do sleep 0.1; done; read -r line; stty size; echo ready; while :; do sleep 1; done'
    const channel = await new Promise<ssh2.ClientChannel>((resolve, reject) =>
      own.exec(script, { pty: { cols: 101, rows: 31 } }, (error, opened) =>
        error === undefined ? resolve(opened) : reject(error),
      ),
    )
    let said = ''
    channel.on('data', (data: Buffer) => {
      said += String(data)
    })
    const ended = once(channel, 'exit')
    await until(() => said.includes('31 101'))
    channel.setWindow(41, 121, 0, 0)
    channel.write('\n')
    await until(() => /41 121\s+ready/.test(said))
    channel.write('\x03')
    assert.equal((await ended)[0], 6)
    own.end()
  })

  test('ports are forwarded: those of the job, those within, and what the job itself reaches', async () => {
    const [exposed, within, socks] = [await freePort(), await freePort(), await freePort()]
    const rules = ['-L', `${exposed}:localhost:8080`, '-L', `${within}:127.0.0.1:9090`, '-D', `${socks}`]
    const child = spawn('ssh', atPort('-N', '-o', 'ExitOnForwardFailure=yes', ...rules, host()), { stdio: 'pipe' })
    const problem = text(child.stderr)
    try {
      await listening(socks, child)
      assert.equal(await page(exposed), 'page\n')
      assert.equal(await page(within), 'page\n')
      const curl = await ran('curl', ['-sS', '-x', `socks5h://127.0.0.1:${socks}`, 'http://localhost:9090/'])
      assert.equal(curl.stdout, 'page\n', curl.stderr)
    } finally {
      child.kill()
    }
    await problem
  })

  test(`${SESSIONS} at once`, async () => {
    const all = Array.from(
      { length: SESSIONS },
      async (_, i) => await ran('ssh', atPort(host(), `cat; exit ${i}`), `${i}\n`),
    )
    for (const [i, said] of (await Promise.all(all)).entries()) {
      assert.deepEqual(said, { code: i, stdout: `${i}\n`, stderr: '' }, `session ${i}`)
    }
  })

  test('a stranger, another owner and an ended job are refused', async () => {
    const stranger = await ran('ssh', [
      ...QUIET,
      '-i',
      join(folder, 'stranger'),
      '-p',
      String(api.sshPort),
      host(),
      'true',
    ])
    assert.equal(stranger.code, 255)
    assert.match(stranger.stderr, /Permission denied \(publickey\)/)
    const { key } = await client.keys.create({ name: 'other', owner: 'other', permissions: ['jobs:*'] })
    const other = new CortexClient({ baseUrl: api.url, apiKey: key })
    await other.sshKeys.add({ publicKey: await publicKey('other') })
    const said = await ran('ssh', [...QUIET, '-i', join(folder, 'other'), '-p', String(api.sshPort), host(), 'true'])
    assert.equal(said.code, 255)
    assert.match(said.stderr, /cortex: there is no job/)
  })

  test('what a key opened ends with it: removed, or with the key of the API behind it', async () => {
    const cases: [name: string, end: (own: CortexClient, keyId: string) => Promise<void>][] = [
      [
        'removed',
        async (own, made) =>
          await own.sshKeys.remove((await own.sshKeys.list()).items.find(({ keyId }) => keyId === made)?.id ?? ''),
      ],
      ['revoked', async (_own, keyId) => void (await client.keys.revoke(keyId))],
    ]
    for (const [name, end] of cases) {
      const pair = ssh2.utils.generateKeyPairSync('ed25519')
      await writeFile(join(folder, name), pair.private, { mode: 0o600 })
      const made = await client.keys.create({ name, permissions: ['jobs:*'] })
      const own = new CortexClient({ baseUrl: api.url, apiKey: made.key })
      await own.sshKeys.add({ publicKey: pair.public })
      const words = [...QUIET, '-i', join(folder, name), '-p', String(api.sshPort), host(), 'echo up; sleep 600']
      const child = spawn('ssh', words, { stdio: 'pipe' })
      const exit = once(child, 'exit')
      // Where it is not let in, it ends.
      await Promise.race([once(child.stdout, 'data'), exit])
      await end(own, made.id)
      assert.equal((await exit)[0], 255, name)
      assert.equal((await ran('ssh', words)).code, 255, name)
    }
  })
})
