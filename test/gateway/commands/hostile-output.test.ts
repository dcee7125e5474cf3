/** Entry 22: `cortex job output -o` before a gateway that means harm, as a process with a home of its own. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { link, mkdir, readdir, readFile, readlink, symlink, writeFile } from 'node:fs/promises'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib'
import { type Header, pack } from 'tar-stream'
import { type Cortex, openCortex, type Ran } from '../support/cortex.ts'

type Entry = Partial<Header> & { name: string; text?: string }

const ID = 'job_01k8m3q7w9x2v5n4c6b8d0f1g2'

/** What the gateway answers: the job, and its output. */
interface Play {
  job: unknown
  output: (response: ServerResponse) => void
}

async function tarOf(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { text, ...header } of entries) tar.entry(header, text ?? '')
  tar.finalize()
  return await buffer(tar)
}

const jobOf = (outputs: unknown, leftOut: unknown = []): unknown => ({ config: { outputs }, results: { leftOut } })

describe('entry 22: cortex job output -o before a hostile gateway', { concurrency: 4 }, () => {
  const plays = new Map<string, Play>()
  let server: Server
  let url = ''
  let cortex: Cortex

  before(async () => {
    server = createServer((request, response) => {
      const [, name = '', isOutput] =
        /^\/([^/]+)\/api\/v1\/plugin-core\/jobs\/[^/]+(\/output)?/.exec(request.url ?? '') ?? []
      const play = plays.get(name)
      if (isOutput !== undefined) return play?.output(response)
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify({ success: true, data: play?.job }))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    cortex = await openCortex({ CORTEX_KEY: 'a key' })
  })
  after(async () => {
    server?.closeAllConnections()
    server?.close()
    await cortex?.close()
  })

  async function fetchTo(folder: string, play: Play): Promise<Ran> {
    const name = `play-${plays.size}`
    plays.set(name, play)
    return await cortex.run(['job', 'output', ID, '-o', folder, '--gateway', `${url}/${name}`])
  }

  /** A folder in a folder of its own, where nothing may appear beside it. */
  async function newPlace(): Promise<{ around: string; folder: string }> {
    const around = join(cortex.folder, `around-${Math.random().toString(36).slice(2)}`)
    await mkdir(join(around, 'here'), { recursive: true })
    return { around, folder: join(around, 'here') }
  }

  const send =
    (body: Buffer, headers: Record<string, string> = {}) =>
    (response: ServerResponse): void => {
      response.writeHead(200, { 'content-type': 'application/x-tar', ...headers })
      response.end(body)
    }

  it('waits for what is on its way from the provider, and no longer than it was told', async () => {
    const tar = await tarOf([{ name: 'results/a', text: 'here' }])
    let asked = 0
    const late = (response: ServerResponse): void => {
      asked += 1
      if (asked > 2) return void send(tar)(response)
      const error = { code: 'PROVIDER_UNAVAILABLE', message: 'The output is still on its way from the provider' }
      response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' })
      response.end(JSON.stringify({ success: false, error }))
    }
    const { folder } = await newPlace()
    const fetched = await fetchTo(folder, { job: jobOf('/results'), output: late })
    assert.equal(fetched.code, 0, fetched.err)
    assert.equal(await readFile(join(folder, 'results', 'a'), 'utf8'), 'here')
    assert.equal(asked, 3)

    plays.set('never', {
      job: jobOf('/results'),
      output: (response) => {
        asked = 0
        late(response)
      },
    })
    const never = await cortex.run(['job', 'output', ID, '--wait', '1', '--gateway', `${url}/never`])
    assert.equal(never.code, 1)
    assert.match(never.err, /still on its way from the provider, or wait longer with --wait/)
  })

  it('writes what belongs there, and nothing outside, special, or through a link; each is named as a terminal may show it', async () => {
    const { around, folder } = await newPlace()
    await writeFile(join(around, 'secret'), 'mine')
    await writeFile(join(folder, 'mine.txt'), 'mine')
    const odd: Entry[] = [
      { name: '../escaped', text: 'x' },
      { name: 'out/../../escaped', text: 'x' },
      { name: '/tmp/cortex-escaped', text: 'x' },
      { name: `${around}/escaped`, text: 'x' },
      { name: 'out/..\\..\\escaped', text: 'x' },
      { name: 'out/absolute', type: 'symlink', linkname: `${around}/secret` },
      { name: 'out/up', type: 'symlink', linkname: '../../secret' },
      { name: 'out/same', type: 'link', linkname: '../secret' },
      { name: 'out/same-too', type: 'link', linkname: `${around}/secret` },
      { name: 'out/device', type: 'character-device', devmajor: 1, devminor: 5 },
      { name: 'out/disk', type: 'block-device', devmajor: 8, devminor: 0 },
      { name: 'out/pipe', type: 'fifo' },
      { name: 'mine.txt', text: 'theirs' },
      { name: '.bashrc', text: 'theirs' },
      { name: '../\x1b]0;owned\x07\x1b[2J\r\nroot', text: 'x' },
    ]
    const through: Entry[] = [
      { name: 'out/folder', type: 'directory' },
      { name: 'out/link', type: 'symlink', linkname: 'folder' },
      { name: 'out/link/through', text: 'x' },
    ]
    const entries = [{ name: 'out/first', text: 'one' }, ...odd, ...through, { name: 'out/last', text: 'two' }]
    const words = [{ path: 'out/\x1b[31mred', reason: 'is \x1b]8;;http://x\x07odd' }]
    const { code, out, err } = await fetchTo(folder, {
      job: jobOf('/data/out', words),
      output: send(await tarOf(entries)),
    })
    assert.equal(code, 0, err)
    assert.equal(await readFile(join(folder, 'out', 'first'), 'utf8'), 'one')
    assert.equal(await readFile(join(folder, 'out', 'last'), 'utf8'), 'two')
    const written = (await readdir(join(folder, 'out'))).filter((name) => !['folder', 'link', 'through'].includes(name))
    assert.deepEqual(written.toSorted(), ['first', 'last'])
    assert.equal(await readlink(join(folder, 'out', 'link')).catch(() => 'folder'), 'folder')
    assert.deepEqual((await readdir(around)).toSorted(), ['here', 'secret'])
    assert.deepEqual((await readdir(folder)).toSorted(), ['mine.txt', 'out'])
    for (const file of [join(around, 'secret'), join(folder, 'mine.txt')]) {
      assert.equal(await readFile(file, 'utf8'), 'mine')
    }
    assert.equal(out, '')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal acts on
    assert.doesNotMatch(err, /[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
    // And what was to be written through a link.
    assert.equal(err.match(/^left out: /gm)?.length, odd.length + words.length + 1, err)
  })

  it('writes nothing over what was there, whatever the gateway says that the output is called', async () => {
    const { around, folder } = await newPlace()
    await mkdir(join(folder, '.ssh'))
    await writeFile(join(folder, '.ssh', 'authorized_keys'), 'mine')
    await mkdir(join(around, 'elsewhere'))
    await symlink('../elsewhere', join(folder, 'link'))
    await writeFile(join(around, 'secret'), 'mine')
    await link(join(around, 'secret'), join(folder, 'file'))
    for (const [outputs, name] of [
      ['/root/.ssh', '.ssh/authorized_keys'],
      ['/link', 'link/file'],
      ['/file', 'file'],
      ['/data/..', 'secret'],
    ] as const) {
      const play = { job: jobOf(outputs), output: send(await tarOf([{ name, text: 'theirs' }])) }
      const { code, err } = await fetchTo(folder, play)
      assert.equal(code, 1, outputs)
      assert.match(err, /^cortex: There is something at [^\n]+ already[^\n]+: give another folder with -o\n$/)
    }
    assert.equal(await readFile(join(folder, '.ssh', 'authorized_keys'), 'utf8'), 'mine')
    assert.equal(await readFile(join(around, 'secret'), 'utf8'), 'mine')
    assert.deepEqual(await readdir(join(around, 'elsewhere')), [])
  })

  it('takes no tar that comes packed, which may unpack to more than a disk holds', async () => {
    const { folder } = await newPlace()
    const large = await tarOf([{ name: 'out/zeros', text: '\0'.repeat(1_000_000) }])
    const packed: [body: Buffer, headers?: Record<string, string>][] = [
      [gzipSync(large), { 'content-encoding': 'gzip' }],
      [brotliCompressSync(large), { 'content-encoding': 'br' }],
      [gzipSync(large)],
      [zstdCompressSync(large)],
    ]
    for (const [body, headers] of packed) {
      const { code, err } = await fetchTo(folder, { job: jobOf('/out'), output: send(body, headers) })
      assert.deepEqual([code, err.split('\n').length], [1, 2], err)
    }
    assert.deepEqual(await readdir(folder), [])
  })

  it('ends with a line where it is no tar, ends too soon, or the job is none', async () => {
    const tar = await tarOf([{ name: 'out/file', text: 'x'.repeat(10_000) }])
    const cut = (response: ServerResponse): void => {
      response.writeHead(200, { 'content-length': tar.length })
      response.write(tar.subarray(0, 2_000), () => response.destroy())
    }
    const plays: [what: string, Play, code?: number][] = [
      ['no tar', { job: jobOf('/out'), output: send(Buffer.from('<html>'.repeat(1_000))) }],
      ['too short', { job: jobOf('/out'), output: send(tar.subarray(0, 2_000)) }],
      ['cut off', { job: jobOf('/out'), output: cut }],
      // Of no name is nothing in the tar.
      ['a number for a job', { job: 7, output: send(tar) }, 0],
      ['nothing for a job', { job: null, output: send(tar) }, 0],
      ['a number for what was left out', { job: jobOf('/out', 7), output: send(tar) }, 0],
    ]
    for (const [what, play, ended = 1] of plays) {
      const { folder } = await newPlace()
      const { code, err } = await fetchTo(folder, play)
      assert.equal(code, ended, `${what}: ${err}`)
      assert.match(err, /^(?:[^\n]+\n)+$/, what)
      assert.doesNotMatch(err, /\n +at |TypeError|Cannot read/, what)
    }
  })
})
