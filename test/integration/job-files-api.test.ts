import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { chmod, lstat, mkdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { CortexClient } from '../../gateway/client/index.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'
import { startCortex } from './support/program.ts'

const MIB = 2 ** 20

const FILES = `mkdir -p /data/deep && cd /data && printf 'hello world' > 'a b' && chmod 751 'a b' && ln -s 'a b' link
ln -s /etc/passwd out && mkfifo pipe && printf 'deep' > deep/file && echo '<script>alert(1)</script>' > page.html
echo up; sleep 1000`

describe('files of a job through the gateway', () => {
  let market: TestMarket
  let api: Api
  let id: string
  let client: CortexClient
  let here: string
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    here = join(market.folder, 'here')
    await mkdir(here)
    id = await api.submit(market.job(FILES, { storage: '200Mi', memory: '64Mi', cpu: 500, duration: 3_600 }))
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await market.close()
  })

  async function ask(method: string, query: string, init: RequestInit & { key?: string; job?: string } = {}) {
    const { key = api.key, job = id, headers, ...rest } = init
    return await fetch(`${api.url}/api/plugin-core/jobs/${job}/files?${query}`, {
      ...{ method, headers: { Authorization: `Bearer ${key}`, ...(headers as Record<string, string>) } },
      ...rest,
    })
  }

  async function cp(...args: string[]) {
    return await startCortex(['job', 'cp', '--gateway', api.url, '--key', api.key, ...args]).ended
  }

  async function look(...args: string[]) {
    const words = ['job', ...args, '--gateway', api.url, '--key', api.key]
    const { code, stdout, stderr } = await startCortex(words).ended
    assert.equal(code, 0, stderr)
    return stdout.toString()
  }

  async function sh(script: string): Promise<string> {
    return (await client.jobs.exec(id, ['sh', '-c', script])).stdout
  }

  test('a file is sent whole and in part, and never as a page of the gateway', async () => {
    const whole = await ask('GET', 'path=/data/page.html')
    assert.deepEqual(
      [whole.status, whole.headers.get('content-type'), whole.headers.get('content-security-policy')],
      [200, 'application/octet-stream', 'sandbox'],
    )
    assert.match(whole.headers.get('content-disposition') ?? '', /^attachment; .*page\.html$/)
    assert.equal(await whole.text(), '<script>alert(1)</script>\n')
    const ranges: [range: string, status: number, body: string, told: string | null][] = [
      ['bytes=0-4', 206, 'hello', 'bytes 0-4/11'],
      ['bytes=6-', 206, 'world', 'bytes 6-10/11'],
      ['bytes=-3', 206, 'rld', 'bytes 8-10/11'],
      ['bytes=5-100', 206, ' world', 'bytes 5-10/11'],
      ['bytes=0-1,3-4', 200, 'hello world', null],
      ['lines=1-2', 200, 'hello world', null],
    ]
    for (const [range, status, body, told] of ranges) {
      const answer = await ask('GET', 'path=/data/a%20b', { headers: { Range: range } })
      const said = [answer.status, await answer.text(), answer.headers.get('content-range')]
      assert.deepEqual(said, [status, body, told], range)
    }
    const behind = await ask('GET', 'path=/data/a%20b', { headers: { Range: 'bytes=11-' } })
    assert.deepEqual([behind.status, behind.headers.get('content-range')], [416, 'bytes */11'])
    await behind.body?.cancel()
  })

  test('HEAD says what is there', async () => {
    const file = await ask('HEAD', 'path=/data/a%20b')
    const told = ['content-length', 'x-file-type', 'x-file-mode', 'accept-ranges'].map((name) => file.headers.get(name))
    assert.deepEqual([file.status, ...told], [200, '11', 'file', '0751', 'bytes'])
    assert.equal((await ask('HEAD', 'path=/data')).headers.get('x-file-type'), 'folder')
    assert.equal((await ask('HEAD', 'path=/no')).status, 404)
  })

  test('a folder is listed in pages, or sent as a tar', async () => {
    const page = await client.jobs.files.list(id, '/data', { max: 2 })
    assert.deepEqual(
      [page.type, page.total, page.complete, page.entries?.map(({ name, type, mode }) => [name, type, mode])],
      [
        'folder',
        6,
        true,
        [
          ['a b', 'file', '0751'],
          ['deep', 'folder', '0755'],
        ],
      ],
    )
    const names: string[] = []
    for await (const { name, linkTarget } of client.jobs.files.all(id, '/data')) names.push(`${name} ${linkTarget}`)
    assert.deepEqual(names, ['a b null', 'deep null', 'link a b', 'out /etc/passwd', 'page.html null', 'pipe null'])
    const tar = await ask('GET', 'path=/data/deep', { headers: { Accept: 'application/x-tar' } })
    assert.equal(tar.headers.get('content-type'), 'application/x-tar')
    assert.match(await tar.text(), /^deep\//)
  })

  test('files are written and removed', async () => {
    assert.deepEqual(await client.jobs.files.write(id, '/w/new', 'text', { mode: 0o700 }), {
      ...{ path: '/w/new', files: 1, bytes: 4, leftOut: [] },
    })
    assert.equal(await sh('cat /w/new; stat -c %a /w/new'), 'text700\n')
    assert.equal(await text(await client.jobs.files.read(id, '/w/new', { offset: 1, length: 2 })), 'ex')
    await assert.rejects(client.jobs.files.remove(id, '/w'), { code: 'VALIDATION_ERROR' })
    await client.jobs.files.remove(id, '/w', { recursive: true })
    await assert.rejects(client.jobs.files.list(id, '/w'), { code: 'RESOURCE_NOT_FOUND' })
  })

  test('who may not is told nothing', async () => {
    const make = async (owner: string, permissions: string[]): Promise<string> => {
      const answer = await fetch(`${api.url}/api/auth/keys`, {
        method: 'POST',
        headers: { Authorization: `Bearer ${api.key}`, 'Content-Type': 'application/json' },
        body: JSON.stringify({ name: 'k', owner, permissions }),
      })
      return ((await answer.json()) as { data: { key: string } }).data.key
    }
    const { owner = '' } = (await market.node.store.get(id)) ?? {}
    const keys: [key: string, status: number][] = [
      [await make('someone-else', ['jobs:read', 'jobs:write']), 404],
      [await make(owner, ['jobs:read']), 403],
    ]
    for (const [key, status] of keys) {
      for (const method of ['GET', 'HEAD', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? { body: 'x' } : {}
        assert.equal((await ask(method, 'path=/data/a%20b', { key, ...body })).status, status, method)
      }
    }
    assert.equal(await sh("cat '/data/a b'"), 'hello world')
  })

  test('what cannot be is said: paths, parameters, a job that has ended', async () => {
    const wrong = [
      '',
      'path=data',
      'path=%00',
      'path=/a&x=1',
      'path=/a&as=zip',
      'path=/data/pipe',
      `path=/${'a'.repeat(5_000)}`,
    ]
    for (const query of wrong) assert.equal((await ask('GET', query)).status, 400, query)
    assert.equal((await ask('PUT', 'path=/x&mode=9', { body: 'x' })).status, 400)
    assert.equal((await ask('GET', 'path=/proc/1/status')).status, 400)
    assert.equal((await ask('GET', 'path=/proc/none')).status, 404)
    assert.equal((await ask('PUT', `path=${'/a'.repeat(100)}`, { body: 'x' })).status, 400)
    const { id: ended } = await api.run(market.job('true'))
    for (const [method, body] of [['GET'], ['PUT', 'x'], ['DELETE']]) {
      const answer = await ask(method ?? '', 'path=/etc', { job: ended ?? '', ...(body === undefined ? {} : { body }) })
      const { error } = (await answer.json()) as { error: { code: string; message: string } }
      assert.deepEqual([answer.status, error.code], [409, 'JOB_STATE_CONFLICT'])
      assert.match(error.message, /outputs/)
    }
  })

  test('of what a job kept, one file is sent whole and in part', async () => {
    const script =
      'mkdir -p /out/sub; cd /out; seq 100000 > sub/n; printf "hello world" > "a b"; ln -s sub/n link; ln "a b" twin; : > empty'
    const { id: kept } = await api.run(market.job(script, { outputs: '/out' }))
    const get = async (path: string, headers: Record<string, string> = {}) => {
      const at = `${api.url}/api/plugin-core/jobs/${kept}/output?${new URLSearchParams({ path })}`
      return await fetch(at, { headers: { Authorization: `Bearer ${api.key}`, ...headers } })
    }
    const numbers = Array.from({ length: 100_000 }, (_, at) => `${at + 1}\n`).join('')
    assert.equal(await (await get('out/sub/n')).text(), numbers)
    assert.equal(await (await get('out/link')).text(), numbers)
    assert.equal(await (await get('out/twin')).text(), 'hello world')
    assert.equal(await (await get('out/empty')).text(), '')
    const part = await get('out/sub/n', { Range: 'bytes=500000-500009' })
    assert.deepEqual([part.status, await part.text()], [206, numbers.slice(500_000, 500_010)])
    assert.equal(part.headers.get('content-range'), `bytes 500000-500009/${numbers.length}`)
    assert.equal(part.headers.get('content-security-policy'), 'sandbox')
    assert.equal((await get('out/sub/n', { Range: 'bytes=900000-' })).status, 416)
    assert.deepEqual(
      [(await get('out')).status, (await get('out/no')).status, (await get('../etc/passwd')).status],
      [400, 404, 404],
    )
    assert.equal(await text(await client.jobs.output(kept ?? '', { path: 'out/a b', offset: 6, length: 3 })), 'wor')
    const door = ['--gateway', api.url, '--key', api.key]
    const one = await startCortex(['job', 'output', ...door, kept ?? '', '--path', 'out/a b']).ended
    assert.deepEqual([one.code, one.stdout.toString()], [0, 'hello world'])
  })

  test('cp brings a file and a folder, and names what it leaves out', async () => {
    const file = await cp(`${id}:/data/a b`, join(here, 'got'))
    assert.equal(file.code, 0, file.stderr)
    assert.equal(await readFile(join(here, 'got'), 'utf8'), 'hello world')
    assert.equal((await lstat(join(here, 'got'))).mode & 0o777, 0o751)
    // Into a folder that is there, under its own name; the beginning of an id is enough.
    const folder = await cp(`${id.slice(0, -4)}:/data`, here)
    assert.equal(folder.code, 0, folder.stderr)
    assert.match(folder.stderr, /left out: data\/out links out of the folder\nleft out: data\/pipe is a pipe/)
    assert.equal(await readFile(join(here, 'data/deep/file'), 'utf8'), 'deep')
    assert.equal(await readlink(join(here, 'data/link')), 'a b')
    assert.equal((await lstat(join(here, 'data/a b'))).mode & 0o777, 0o751)
    const again = await cp(`${id}:/data`, here)
    assert.equal(again.code, 1)
    assert.match(again.stderr, /nothing is written over/)
    const contents = await cp(`${id}:/data/deep/.`, join(here, 'other'))
    assert.equal(contents.code, 0, contents.stderr)
    assert.equal(await readFile(join(here, 'other/file'), 'utf8'), 'deep')
    const tar = await cp(`${id}:/data/deep`, '-')
    assert.match(tar.stdout.toString(), /^deep\//)
  })

  test('cp takes a file, a folder and a tar there', async () => {
    const tree = join(here, 'tree')
    await mkdir(join(tree, 'sub'), { recursive: true })
    const large = randomBytes(20 * MIB)
    await writeFile(join(tree, 'sub/läрge "x"'), large)
    await writeFile(join(tree, 'run'), '#!/bin/sh\n')
    await chmod(join(tree, 'run'), 0o755)
    await symlink('/usr/bin/env', join(tree, 'env'))
    await promisify(execFile)('mkfifo', [join(tree, 'fifo')])
    const sent = await cp(tree, `${id}:/up/tree`)
    assert.equal(sent.code, 0, sent.stderr)
    assert.match(sent.stderr, /left out: \S*fifo is neither/)
    const digest = createHash('sha256').update(large).digest('hex')
    assert.equal(
      await sh('cd /up/tree && sha256sum sub/l* | cut -c -64; stat -c %a run; readlink env; ls'),
      `${digest}\n755\n/usr/bin/env\nenv\nrun\nsub\n`,
    )
    const into = await cp(join(tree, 'run'), `${id}:/up`)
    assert.equal(into.code, 0, into.stderr)
    assert.equal(await sh('stat -c %a /up/run'), '755\n')
    const door = ['--gateway', api.url, '--key', api.key]
    const piped = promisify(execFile)('sh', [
      '-c',
      `tar -C "$1" -c sub | "$2" bin/cortex.ts job cp ${door.join(' ')} - ${id}:/piped`,
      'sh',
      tree,
      process.execPath,
    ])
    await piped
    assert.equal(await sh('ls /piped'), 'sub\n')
    const missing = await cp(`${id}:/no/such`, join(here, 'x'))
    assert.deepEqual([missing.code, /nothing at \/no\/such/.test(missing.stderr)], [1, true])
    const nowhere = await cp(join(here, 'nothing'), `${id}:/x`)
    assert.deepEqual([nowhere.code, /nothing at/.test(nowhere.stderr)], [1, true])
    assert.equal((await cp('a', 'b')).code, 1)
    assert.equal((await buffer(await client.jobs.files.read(id, '/up/run'))).toString(), '#!/bin/sh\n')
  })

  test('job files, top and stats say what the container holds and does', async () => {
    assert.match(await look('files', id.slice(0, -1), '/data'), /^0751 {2,}11B .* a b\n.*link {2}.* link -> a b$/ms)
    const [file] = JSON.parse(await look('files', id, '/data/a b', '--json')) as { name: string; size: number }[]
    assert.deepEqual([file?.name, file?.size], ['a b', 11])
    assert.match(await look('top', id), /^PID +USER +COMMAND\n(?:.*\n)*.*sleep 1000/)
    const stats = JSON.parse(await look('stats', '--json')) as {
      id: string
      cpuLimit: number
      usage: { memory: number }
    }[]
    const [own] = stats.filter((one) => one.id === id)
    assert.equal(own?.cpuLimit, 500)
    assert.ok((own?.usage.memory ?? 0) > 0)
    assert.match(
      await look('stats', id),
      /^JOB +CPU +MEMORY +OF +RECEIVED +SENT +GPU +VRAM +PROCESSES +NAME\n.*m of 500m .*64Mi/,
    )
  })
})
