import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { extract, type Header, pack } from 'tar-stream'
import type { JobFile } from '../../node/reach/index.ts'
import { createContainerAccess } from '../../provider-agent/engine/access.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const never = new AbortController().signal
const MIB = 2 ** 20

/** Files of every kind, one that is large, and what is not to be followed. */
const FILES = `mkdir -p /data/deep/er '/data/odd name' && cd /data
printf 'hello world' > plain && chmod 640 plain && printf '#!/bin/sh\\n' > run && chmod 4755 run
ln -s plain link && ln -s /data/deep away && ln -s /nowhere gone && ln -s loop loop && mkfifo pipe && ln plain twin
printf 'odd' > 'odd name/é "quoted"
line' && printf 'deep' > deep/er/file && printf 'x' > "$(printf 'bad\\377name')"
dd if=/dev/urandom of=/large bs=1M count=100 2> /dev/null
dd if=/dev/zero of=/zeros bs=1 count=1 seek=300M 2> /dev/null; sha256sum /large; sleep 1000`

describe('files of a running container', () => {
  let market: TestMarket
  let id: string
  const files = () => market.node.reach.files
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    id = (await market.submit(market.job(FILES, { storage: '400Mi', memory: '64Mi', cpu: 900, duration: 3_600 }))).id
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await market.close()
  })

  async function sh(script: string, container = id): Promise<string> {
    const session = await market.node.reach.exec(container, { command: ['sh', '-c', script] }, never)
    let said = ''
    for await (const event of session.output()) if (event.type !== 'exited') said += Buffer.from(event.data).toString()
    return said
  }

  async function read(path: string, how = {}): Promise<Buffer> {
    return await buffer((await files().read(id, path, how, never)).content)
  }

  async function entries(path: string): Promise<[Header, Buffer][]> {
    const all: [Header, Buffer][] = []
    const unpack = extract()
    Readable.from(await read(path, { tar: true })).pipe(unpack)
    for await (const entry of unpack) all.push([entry.header, await buffer(entry)])
    return all
  }

  async function tarOf(list: [Partial<Header> & { name: string }, string?][]): Promise<Buffer> {
    const out = pack()
    for (const [header, content] of list) {
      if (content === undefined) out.entry(header as Header)
      else out.entry(header as Header, content)
    }
    out.finalize()
    return await buffer(Readable.from(out))
  }

  const shown = ({ name, type, size, mode, target }: JobFile) => [name, type, size, mode.toString(8), target].join(' ')

  test('a folder is listed, by name and in pages', async () => {
    const look = await files().look(id, '/data', {}, never)
    assert.deepEqual([look.file.name, look.file.type, look.more, look.incomplete], ['data', 'folder', false, false])
    const list = look.entries.filter(({ name }) => !name.startsWith('bad')).map(shown)
    assert.deepEqual(list, [
      'away link 0 777 /data/deep',
      'deep folder 0 755 ',
      'gone link 0 777 /nowhere',
      'link link 0 777 plain',
      'loop link 0 777 loop',
      'odd name folder 0 755 ',
      'pipe pipe 0 644 ',
      'plain file 11 640 ',
      'run file 10 4755 ',
      'twin file 11 640 ',
    ])
    const first = await files().look(id, '/data', { limit: 3 }, never)
    assert.deepEqual([first.entries.map(({ name }) => name).slice(-1), first.more], [['deep'], true])
    const next = await files().look(id, '/data', { limit: 3, after: 'deep' }, never)
    assert.deepEqual(
      next.entries.map(({ name }) => name),
      ['gone', 'link', 'loop'],
    )
  })

  test('links are followed within the container, and never out of it', async () => {
    assert.equal((await files().look(id, '/data/away', {}, never)).entries[0]?.name, 'er')
    assert.equal((await read('/data/link')).toString(), 'hello world')
    assert.equal((await files().look(id, '/data/link', {}, never)).file.name, 'plain')
    await assert.rejects(files().look(id, '/data/gone', {}, never), { code: 'NO_FILE' })
    await assert.rejects(files().look(id, '/data/loop', {}, never), { name: 'ReachError' })
    await sh('ln -s ../../../../../../../../etc /data/deep/up')
    const names = (await files().look(id, '/data/deep/up', {}, never)).entries.map(({ name }) => name)
    assert.deepEqual(names.includes('hosts'), true)
    assert.equal(names.includes('apt'), false, 'this machine’s own')
  })

  test('a file comes byte for byte, whole and in part', async () => {
    const digest = createHash('sha256')
    const { file, content } = await files().read(id, '/large', {}, never)
    for await (const chunk of content) digest.update(chunk as Buffer)
    assert.equal(file.size, 100 * MIB)
    assert.equal(digest.digest('hex'), (await sh('sha256sum /large')).slice(0, 64))
    assert.equal((await read('/data/plain', { offset: 6 })).toString(), 'world')
    assert.equal((await read('/data/plain', { offset: 2, length: 3 })).toString(), 'llo')
    assert.equal((await read('/data/plain', { offset: 50 })).toString(), '')
    assert.equal((await read('/data/odd name/é "quoted"\nline')).toString(), 'odd')
  })

  test('a large file is never in memory as a whole, at neither end', async () => {
    const before = process.memoryUsage().rss
    let most = 0
    let bytes = 0
    // Sender and receiver are in this process.
    for await (const chunk of (await files().read(id, '/zeros', {}, never)).content) {
      bytes += (chunk as Buffer).length
      most = Math.max(most, process.memoryUsage().rss)
    }
    assert.equal(bytes, 300 * MIB + 1)
    assert.ok(most - before < 180 * MIB, `${(most - before) / MIB} MiB`)
  })

  test('a folder comes as a tar with modes and links', async () => {
    const found = new Map((await entries('/data')).map(([header, content]) => [header.name, { header, content }]))
    assert.equal(found.get('data/deep/er/file')?.content.toString(), 'deep')
    assert.equal((found.get('data/plain')?.header.mode ?? 0) & 0o7777, 0o640)
    assert.equal(found.get('data/link')?.header.linkname, 'plain')
    assert.equal(found.get('data/pipe')?.header.type, 'fifo')
    assert.ok(found.has('data/odd name/é "quoted"\nline'))
    const { content: all } = await files().read(id, '/', { tar: true }, never)
    for await (const chunk of all) {
      // The name is what a tar begins with. Of all else there are hundreds of MiB.
      assert.match(String((chunk as Buffer).subarray(0, 100)).replace(/\0.*/s, ''), /^\.?\/?$/)
      break
    }
  })

  test('what is not as asked for is said', async () => {
    await assert.rejects(read('/no/such'), { code: 'NO_FILE' })
    await assert.rejects(read('/data'), { code: 'BAD_PATH' })
    await assert.rejects(read('/data/pipe'), { code: 'BAD_PATH' })
    await assert.rejects(read('relative'), { name: 'ReachError' })
  })

  test('a file is written as it came, with folders that are missing, and its mode stays', async () => {
    const large = randomBytes(30 * MIB)
    const pieces = async function* () {
      for (let at = 0; at < large.length; at += 100_000) yield large.subarray(at, at + 100_000)
    }
    const written = await files().write(id, '/new/fol der/large', { mode: 0o751 }, pieces(), never)
    assert.deepEqual(written, { files: 1, bytes: large.length, leftOut: [] })
    const digest = createHash('sha256').update(large).digest('hex')
    assert.equal(
      (await sh("sha256sum '/new/fol der/large' | cut -c -64; stat -c %a:%u:%g '/new/fol der/large'")).trim(),
      `${digest}\n751:0:0`,
    )
    await files().write(id, '/new/fol der/large', {}, Readable.from([Buffer.from('short')]), never)
    assert.equal(await sh("stat -c %a:%s '/new/fol der/large'"), '751:5\n')
    // Through a link, where that leads.
    await files().write(id, '/data/away/er/file', {}, Readable.from([Buffer.from('DEEP')]), never)
    assert.equal(await sh('cat /data/deep/er/file'), 'DEEP')
    await assert.rejects(files().write(id, '/data/plain/x', {}, Readable.from([Buffer.from('x')]), never), {
      code: 'BAD_PATH',
    })
    await assert.rejects(files().write(id, '/data', {}, Readable.from([Buffer.from('x')]), never), { code: 'BAD_PATH' })
  })

  test('a tar is unpacked, but for what has no place', async () => {
    const tar = await tarOf([
      [{ name: 'a', type: 'directory', mode: 0o750 }],
      [{ name: 'a/run', mode: 0o755 }, 'run'],
      [{ name: 'a/abs', type: 'symlink', linkname: '/usr/bin/env' }],
      [{ name: 'a/hard', type: 'link', linkname: 'a/run' }],
      [{ name: '../out' }, 'out'],
      [{ name: 'a/../../out2' }, 'out'],
      [{ name: '/out3' }, 'out'],
      [{ name: 'a/dev', type: 'block-device', devmajor: 8, devminor: 0 }],
      [{ name: 'a/fifo', type: 'fifo' }],
    ])
    const { files: count, leftOut } = await files().write(id, '/un/packed', { tar: true }, Readable.from([tar]), never)
    assert.equal(count, 3)
    assert.deepEqual(
      leftOut.map(({ path }) => path),
      ['../out', 'a/../../out2', '/out3', 'a/dev', 'a/fifo'],
    )
    assert.equal(
      await sh(
        'cd /un/packed && find . | sort && cat a/hard && readlink a/abs && stat -c %a a a/run; ls / /un | grep out',
      ),
      '.\n./a\n./a/abs\n./a/hard\n./a/run\nrun/usr/bin/env\n750\n755\n',
    )
    await assert.rejects(
      files().write(id, '/un', { tar: true }, Readable.from([Buffer.alloc(5_000, 'no tar')]), never),
      {
        code: 'BAD_PATH',
      },
    )
  })

  test('a folder that becomes a link while a tar is unpacked leads nowhere outside', async () => {
    await sh(
      'mkdir -p /race/in; (while true; do rm -rf /race/in; ln -s /../../../tmp /race/in; rm -f /race/in; mkdir /race/in; done) > /dev/null 2>&1 &',
    )
    const mark = `mark-${randomBytes(6).toString('hex')}`
    const tar = await tarOf([[{ name: `in/${mark}` }, 'x']])
    for (let round = 0; round < 20; round += 1) {
      await files()
        .write(id, '/race', { tar: true }, Readable.from([tar]), never)
        .catch(() => undefined)
      await files()
        .remove(id, `/race/in/${mark}`, { recursive: false }, never)
        .catch(() => undefined)
      await files()
        .look(id, '/race/in', {}, never)
        .catch(() => undefined)
    }
    const { existsSync } = await import('node:fs')
    assert.equal(existsSync(`/tmp/${mark}`), false)
    await sh('pkill -f race; true')
  })

  test('no more than the job’s storage is taken in or given out', async () => {
    const script = 'mkdir /data; dd if=/dev/zero of=/sparse bs=1 count=1 seek=300G 2> /dev/null; echo up; sleep 1000'
    const { id: small } = await market.submit(market.job(script, { duration: 3_600 }))
    await market.when(small, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
    const all = async (path: string, how = {}) => await buffer((await files().read(small, path, how, never)).content)
    const endless = async function* () {
      for (;;) yield Buffer.alloc(MIB)
    }
    await assert.rejects(files().write(small, '/data/endless', {}, endless(), never), { code: 'TOO_LARGE' })
    await assert.rejects(all('/sparse'), { code: 'TOO_LARGE' })
    await assert.rejects(all('/', { tar: true }), { code: 'TOO_LARGE' })
    await market.node.requester.cancel(small)
  })

  test('a requester that does not read keeps nobody from the container', async () => {
    const { content } = await files().read(id, '/large', {}, never)
    await new Promise((resolve) => content.once('readable', resolve))
    assert.equal(await sh('echo there'), 'there\n')
    await market.docker.getContainer((await container()) ?? '').inspect()
    content.destroy()
  })

  async function container(): Promise<string | undefined> {
    const all = await market.docker.listContainers()
    return all.find(({ Names }) => Names.some((name) => name.includes(id)))?.Id
  }

  test('files, links and folders are removed', async () => {
    await sh(
      'mkdir -p /rm/full/deep; echo x > /rm/full/deep/x; mkdir /rm/empty; ln -s /data /rm/link; echo x > /rm/file; echo x > "/rm/full/$(printf "\\\\377")"',
    )
    const remove = async (path: string, recursive = false) => await files().remove(id, path, { recursive }, never)
    await assert.rejects(remove('/rm/full'), { code: 'BAD_PATH' })
    await remove('/rm/full', true)
    await remove('/rm/empty')
    await remove('/rm/link', true)
    await remove('/rm/file')
    await assert.rejects(remove('/rm/file'), { code: 'NO_FILE' })
    await assert.rejects(remove('/', true), { code: 'BAD_PATH' })
    assert.equal(await sh('ls /rm; cat /data/plain'), 'hello world')
  })

  test('where this machine’s kernel does not tell, archives and programs of the image do', async () => {
    const name = await container()
    assert.ok(name)
    const { docker } = market
    // A runtime of a name that has a kernel of its own.
    const blind = new Proxy(docker, {
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
    const access = createContainerAccess(blind)
    const { Name } = await docker.getContainer(name).inspect()
    const plain = Name.slice(1)
    const listing = await access.list(plain, '/data', { after: 'gone', limit: 4 })
    assert.deepEqual(
      listing.entries.map((entry) => shown(entry)),
      ['link link 0 777 plain', 'loop link 0 777 loop', 'odd name folder 0 755 ', 'pipe pipe 0 644 '],
    )
    await sh('mkdir -p /blind/x; echo x > /blind/x/y')
    await assert.rejects(access.remove(plain, '/blind/x', { recursive: false }), { code: 'BAD_PATH' })
    await access.remove(plain, '/blind/x', { recursive: true })
    await assert.rejects(access.remove(plain, '/blind/x', { recursive: true }), { code: 'NO_FILE' })
    assert.equal(await sh('ls /blind'), '')
  })

  test('what is new belongs to whom the job runs as', async () => {
    const user = (await market.submit(market.job('sleep 1000', { user: '1234:567', duration: 3_600 }))).id
    await market.when(user, ({ state }) => state.status === 'running')
    await files().write(user, '/tmp/a/mine', {}, Readable.from([Buffer.from('x')]), never)
    assert.equal(await sh('stat -c %u:%g /tmp/a /tmp/a/mine', user), '1234:567\n1234:567\n')
    await market.node.requester.cancel(user)
  })

  test('of a job that has ended there is nothing, in words', async () => {
    const ended = await market.run('true')
    await assert.rejects(files().look(ended.id, '/', {}, never), { name: 'JobStateError' })
  })
})
