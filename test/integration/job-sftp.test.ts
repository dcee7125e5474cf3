import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../node/clock.ts'
import type { JobFiles } from '../../node/reach/index.ts'
import { createJobSftp } from '../../node/ssh/sftp.ts'
import { createContainerAccess } from '../../provider-agent/engine/access.ts'
import { openRelay, type Relay } from '../node/ssh/sftp/support/relay.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const run = promisify(execFile)
const never = new AbortController().signal
const MIB = 2 ** 20
const SCRIPT = `mkdir -p /data/deep && cd /data && printf 'hello world' > plain && chmod 640 plain
ln -s plain link && ln -s /data/deep away && ln -s /etc/hostname out && printf x > 'odd
name' && mkfifo pipe; echo up; sleep 1000`

const isThere = spawnSync('sftp', ['-h']).error === undefined

describe('files of a running container over SFTP', { skip: !isThere }, () => {
  let market: TestMarket
  let id: string
  let folder: string
  let relay: Relay
  /** What the provider is asked by. */
  let files: JobFiles
  const here = (...parts: string[]) => join(folder, 'here', ...parts)

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-job-sftp-'))
    await mkdir(here())
    market = await openMarket()
    await market.addSeller()
    id = (await market.submit(market.job(SCRIPT, { storage: '400Mi', memory: '64Mi', cpu: 900, duration: 3_600 }))).id
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
    files = market.node.reach.files
    const reach = {
      get files() {
        return files
      },
    }
    const node = { store: market.node.store, reach }
    const served = createJobSftp({ node, clock: systemClock }, { folder: join(folder, 'room') })
    await served.start()
    relay = await openRelay(folder, (stream) => {
      served
        .serve(stream, { jobId: id, owner: 'anybody' }, never)
        .catch(() => undefined)
        .finally(() => stream.end())
    })
  })
  after(async () => {
    relay.close()
    await market.close()
    await rm(folder, { recursive: true, force: true })
  })

  async function sh(script: string): Promise<string> {
    const session = await market.node.reach.exec(id, { command: ['sh', '-c', script] }, never)
    let said = ''
    for await (const event of session.output()) if (event.type !== 'exited') said += Buffer.from(event.data).toString()
    return said
  }

  async function sftp(...commands: string[]): Promise<string> {
    await writeFile(here('batch'), `${commands.join('\n')}\n`)
    const { stdout, stderr } = await run('sftp', ['-b', here('batch'), '-D', relay.program])
    return stdout + stderr
  }

  async function scp(...words: string[]): Promise<void> {
    await run('scp', ['-D', relay.program, ...words])
  }

  test('a file goes there and back, byte for byte, with its mode and time', async () => {
    const bytes = randomBytes(20 * MIB + 3)
    await writeFile(here('large'), bytes)
    await chmod(here('large'), 0o751)
    await utimes(here('large'), 1_600_000_000, 1_600_000_000)
    await scp('-p', here('large'), 'job:/data/large')
    assert.equal(await sh('stat -c "%a %s %Y %u:%g" /data/large'), `751 ${bytes.length} 1600000000 0:0\n`)
    await scp('-p', 'job:/data/large', here('back'))
    assert.deepEqual(await readFile(here('back')), bytes)
    assert.equal((await stat(here('back'))).mtimeMs, 1_600_000_000_000)
  })

  test('a folder goes there and back, with its times', async () => {
    await mkdir(here('tree', 'a'), { recursive: true })
    for (let at = 0; at < 20; at += 1) await writeFile(here('tree', 'a', `file ${at}`), `content ${at}`)
    await writeFile(here('tree', 'empty'), '')
    for (const path of [here('tree', 'a', 'file 3'), here('tree', 'a'), here('tree')]) {
      await utimes(path, 1_500_000_000, 1_500_000_000)
    }
    await scp('-r', '-p', here('tree'), 'job:/data/tree')
    const told = await sh('cd /data/tree; stat -c "%Y" . a "a/file 3"; ls a | wc -l; cat "a/file 19"')
    assert.equal(told, '1500000000\n1500000000\n1500000000\n20\ncontent 19')
    await scp('-r', 'job:/data/tree', here('again'))
    assert.equal(await readFile(here('again', 'a', 'file 19'), 'utf8'), 'content 19')
    assert.equal((await readdir(here('again', 'a'))).length, 20)
  })

  const everything = async (): Promise<void> => {
    await sh('rm -rf /t; mkdir -p /t/in; echo 1 > /t/in/one; ln -s in/one /t/link')
    await writeFile(here('new'), 'new')
    const said = await sftp(
      ...['ls -l /t', 'mkdir /t/made', 'chmod 700 /t/made', 'ln -s made/x /t/to', 'rename /t/in/one /t/made/x'],
      ...['chmod 600 /t/made/x', `get /t/to ${here('x')}`, `put ${here('new')} /t/to`, 'ls -l /t/made', 'rm /t/link'],
      ...[
        'cd /t/made/..',
        'pwd',
        'rmdir in',
        '-rmdir made',
        '-get /t/none',
        '-rm /t/made',
        '-mkdir /t/made',
        'cd /proc',
      ],
    )
    assert.match(said, /lrwxrwxrwx .* link\n/)
    assert.match(said, /-rw------- .* 3 .*x\n/)
    assert.equal(await readFile(here('x'), 'utf8'), '1\n')
    assert.equal(
      await sh('cd /t; stat -c "%n %F %a" *; readlink to; cat made/x'),
      [...['made directory 700\n', 'to symbolic link 777\n', 'made/x\n', 'new']].join(''),
    )
  }
  test('folders, links, names and modes', everything)

  test('names and links that are odd, and what is no file', async () => {
    const said = await sftp('ls -l /data', '-get /data/pipe', '-cd /data/plain', `get /data/out ${here('out')}`)
    assert.match(said, /prw-r--r-- .* pipe\n/)
    assert.equal(await readFile(here('out'), 'utf8'), await sh('cat /etc/hostname'), 'the container’s own')
    await sftp('ln -s ../../../../../../etc /data/up', `get /data/up/hostname ${here('up')}`)
    assert.equal(await readFile(here('up'), 'utf8'), await sh('cat /etc/hostname'))
  })

  test('with a provider that is older, what it does not have is refused, and the rest goes', async () => {
    const now = market.node.reach.files
    const refuse = async (): Promise<never> => assert.fail('an older provider does not know that')
    files = {
      ...now,
      ...{ lookAt: refuse, move: refuse, change: refuse },
      look: async (...asked) => ({ ...(await now.look(...asked)), actions: [] }),
    }
    try {
      const said = await sftp(
        ...['ln -s deep /data/old', 'rm /data/old', '-rmdir /data/link', '-rm /data/deep'],
        ...['-rename /data/plain /data/else', '-chmod 600 /data/plain'],
      )
      assert.equal(said.match(/unsupported/g)?.length, 2, said)
      await scp('-p', here('new'), 'job:/data/older')
      assert.equal(
        await sh('cat /data/older; stat -c %a /data/plain; ls -d /data/old /data/link 2> /dev/null'),
        'new640\n/data/link\n',
      )
    } finally {
      files = now
    }
  })

  test('where this machine’s kernel does not tell, programs of the image do', async () => {
    const all = await market.docker.listContainers()
    const name = all.find(({ Names }) => Names.some((one) => one.includes(id)))?.Names[0]?.slice(1) ?? ''
    const access = createContainerAccess(blind(market.docker))
    await sh('mkdir -p /b/folder; echo x > /b/file; ln -s file /b/link; echo y > /b/other')
    assert.equal((await access.lookAt(name, '/b/link')).type, 'link')
    await assert.rejects(access.lookAt(name, '/b/none'), { code: 'NO_FILE' })
    await access.change(name, '/b/file', { mode: 0o604, mtimeMs: 1_500_000_000_000 })
    await assert.rejects(access.move(name, '/b/file', '/b/other', { replace: false }), { code: 'BAD_PATH' })
    await assert.rejects(access.move(name, '/b/file', '/b/folder', { replace: true }), { code: 'BAD_PATH' })
    await access.move(name, '/b/file', '/b/other', { replace: true })
    assert.equal(await sh('cd /b; ls; stat -c "%a %Y" other; cat other'), 'folder\nlink\nother\n604 1500000000\nx\n')
  })

  test('a link that comes in the place of a file while its mode is set leads nowhere outside', async () => {
    const outside = join(folder, 'outside')
    await writeFile(outside, 'x', { mode: 0o600 })
    await chmod(outside, 0o600)
    await sh(
      `mkdir -p /race; (while true; do rm -f /race/f; ln -s ${outside} /race/f; rm -f /race/f; touch /race/f; done) > /dev/null 2>&1 & echo $! > /race-pid`,
    )
    for (let round = 0; round < 100; round += 1) {
      await files.change(id, '/race/f', { mode: 0o777 }, never).catch(() => undefined)
    }
    await sh('kill $(cat /race-pid)')
    assert.equal((await stat(outside)).mode & 0o777, 0o600)
    await files.move(id, '/race', '/raced', { replace: false }, never)
    assert.equal(await readlink(outside).catch(() => 'no link'), 'no link')
  })
})

/** An engine whose containers seem to have a kernel of their own. */
function blind(docker: TestMarket['docker']): TestMarket['docker'] {
  return new Proxy(docker, {
    get(target, key, receiver) {
      if (key !== 'getContainer') return Reflect.get(target, key, receiver)
      return (of: string) => {
        const own = target.getContainer(of)
        const inspect = async () => {
          const details = await own.inspect()
          return { ...details, HostConfig: { ...details.HostConfig, Runtime: 'runsc' } }
        }
        return new Proxy(own, { get: (it, member) => (member === 'inspect' ? inspect : Reflect.get(it, member)) })
      }
    },
  })
}
