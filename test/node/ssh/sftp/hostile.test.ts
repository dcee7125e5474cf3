import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Clock, systemClock } from '../../../../node/clock.ts'
import { createSftpRoom, type SftpRoom } from '../../../../node/ssh/sftp/room.ts'
import { serveSftp } from '../../../../node/ssh/sftp/serve.ts'
import { type DiskFiles, diskFiles } from './support/disk-files.ts'
import { long, number, type RawClient, rawClient, text } from './support/raw-client.ts'

const MIB = 2 ** 20
const SHARE = 4 * MIB
const OPEN = 3
const CLOSE = 4
const READ = 5
const WRITE = 6
const LSTAT = 7
const OPENDIR = 11
const READDIR = 12
const REALPATH = 16
const STAT = 17
const HANDLE = 102
const [OK, END, NO_FILE, FAILED, BAD_MESSAGE, UNSUPPORTED] = [0, 1, 2, 4, 5, 8]
const NO_ATTRIBUTES = number(0)
/** To read; to write anew. */
const [TO_READ, TO_WRITE] = [number(1), number(2 | 8 | 16)]

describe('what a hostile client sends over SFTP', () => {
  let folder = ''
  let files: DiskFiles
  let room: SftpRoom
  let client: RawClient
  let served: Promise<string>
  let stop: AbortController
  const stops: AbortController[] = []

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-sftp-'))
    await mkdir(join(folder, 'room'))
    room = createSftpRoom({ folder: join(folder, 'room'), maxBytes: SHARE, maxSessionBytes: SHARE })
    await room.start()
  })
  after(async () => await rm(folder, { recursive: true, force: true }))
  afterEach(() => {
    for (const one of stops.splice(0)) one.abort()
  })
  beforeEach(async () => {
    await rm(join(folder, 'root'), { recursive: true, force: true })
    await mkdir(join(folder, 'root'))
    await writeFile(join(folder, 'root', 'file'), 'hello world')
    files = diskFiles(join(folder, 'root'))
    begin()
  })

  function begin(clock: Clock = systemClock, own: Pick<SftpRoom, 'openSession'> = room): void {
    client = rawClient()
    stop = new AbortController()
    stops.push(stop)
    served = serveSftp(client.served, { files, room: own, clock }, { signal: stop.signal }).then(
      () => 'ended',
      (error) => `${error.name} ${error.status}`,
    )
  }

  async function hello(): Promise<void> {
    client.send(1, number(3))
    assert.equal((await client.next())?.type, 2)
  }

  async function open(path: string, how: Buffer): Promise<Buffer> {
    const answer = await client.ask(OPEN, text(path), how, NO_ATTRIBUTES)
    assert.equal(answer.type, HANDLE, path)
    return answer.rest
  }

  /** Files of the room that this process has open: they have no names. */
  async function held(): Promise<number> {
    const numbers = await readdir('/proc/self/fd')
    const paths = await Promise.all(numbers.map(async (one) => await readlink(`/proc/self/fd/${one}`).catch(() => '')))
    return paths.filter((path) => path.startsWith(join(folder, 'room/'))).length
  }

  test('a session that does not begin with the version is ended', async () => {
    client.send(STAT, number(1), text('/'))
    assert.equal(await served, `SftpError ${BAD_MESSAGE}`)
  })

  for (const length of [0, 256 * 1024 + 1, 0xffffffff]) {
    test(`a packet of ${length} bytes ends the session`, async () => {
      await hello()
      client.stream.write(number(length))
      assert.equal(await served, `SftpError ${BAD_MESSAGE}`)
    })
  }

  test('what is no request is answered so, and the session goes on', async () => {
    await hello()
    const cases: [string, number, Buffer[], number][] = [
      ['no such type', 99, [], UNSUPPORTED],
      ['no such extension', 200, [text('statvfs@openssh.com'), text('/')], UNSUPPORTED],
      ['a path that is cut off', STAT, [number(400), Buffer.from('/')], BAD_MESSAGE],
      ['too many attributes', OPEN, [text('/x'), TO_WRITE, number(0x80000000), number(2 ** 31)], BAD_MESSAGE],
      ['a name that is no UTF-8', STAT, [text(Buffer.of(0x2f, 0xff, 0xfe))], FAILED],
      ['a zero in a name', STAT, [text('/fi\0le')], FAILED],
      ['a path that is too long', STAT, [text(`/${'x/'.repeat(3000)}`)], FAILED],
      ['a path that climbs without end', STAT, [text(`${'/x/..'.repeat(700)}`)], NO_FILE],
      ['nothing there', LSTAT, [text('/nothing')], NO_FILE],
      ['a folder as a file', OPEN, [text('/'), TO_WRITE, NO_ATTRIBUTES], FAILED],
      ['a file in a folder that is missing', OPEN, [text('/no/file'), TO_WRITE, NO_ATTRIBUTES], NO_FILE],
      ['a file as a folder', OPENDIR, [text('/file')], FAILED],
      ['a handle that nobody has', READ, [text('7'), long(0n), number(10)], FAILED],
      ['a handle that nobody has, closed', CLOSE, [text('__proto__')], FAILED],
      ['an offset that no file has', READ, [text('7'), long(2n ** 63n), number(10)], FAILED],
    ]
    for (const [name, type, fields, status] of cases) {
      assert.equal((await client.ask(type, ...fields)).status, status, name)
    }
    assert.equal((await client.ask(REALPATH, text('a/./b'))).type, 104)
  })

  test('bytes beyond the end are the end, and lengths beyond reason are cut', async () => {
    await hello()
    const handle = await open('/file', TO_READ)
    assert.equal((await client.ask(READ, handle, long(6n), number(0xffffffff))).rest.subarray(4).toString(), 'world')
    assert.equal((await client.ask(READ, handle, long(11n), number(10))).status, END)
    assert.equal((await client.ask(READ, handle, long(2n ** 40n), number(10))).status, END)
    assert.equal((await client.ask(WRITE, handle, long(0n), text('x'))).status, FAILED, 'not opened for that')
    assert.equal((await client.ask(CLOSE, handle)).status, OK)
    assert.equal((await client.ask(CLOSE, handle)).status, FAILED, 'closed already')
  })

  test('a write far beyond the end takes the room that it would take, and nothing of it arrives', async () => {
    await hello()
    const handle = await open('/new', TO_WRITE)
    assert.equal((await client.ask(WRITE, handle, long(0n), text('some'))).status, OK)
    assert.equal((await client.ask(WRITE, handle, long(2n ** 40n), text('x'))).status, FAILED)
    assert.equal((await client.ask(CLOSE, handle)).status, FAILED, 'not all of it is there')
    assert.deepEqual(await readdir(join(folder, 'root')), ['file'])
    assert.equal(await held(), 0)
  })

  test('sixty-four things are open at a time', async () => {
    await hello()
    const handles: Buffer[] = []
    for (let at = 0; at < 64; at += 1) handles.push(await open('/file', TO_READ))
    assert.equal((await client.ask(OPEN, text('/file'), TO_READ, NO_ATTRIBUTES)).status, FAILED)
    assert.equal((await client.ask(CLOSE, handles[0] as Buffer)).status, OK)
    await open('/file', TO_READ)
    client.stream.end()
    assert.equal(await served, 'ended')
    assert.equal(await held(), 0)
  })

  test('one session’s share is all that all have together, and is given back when it breaks off', async () => {
    await hello()
    const handle = await open('/new', TO_WRITE)
    const piece = Buffer.alloc(128 * 1024)
    for (let at = 0; at < SHARE; at += piece.length) {
      assert.equal((await client.ask(WRITE, handle, long(BigInt(at)), text(piece))).status, OK)
    }
    const first = { client, served }
    begin()
    await hello()
    const other = await open('/other', TO_WRITE)
    assert.equal((await client.ask(WRITE, other, long(0n), text('x'))).status, FAILED, 'no room')
    first.client.stream.destroy()
    first.client.served.destroy()
    assert.equal(await first.served, 'ended')
    const again = await open('/again', TO_WRITE)
    assert.equal((await client.ask(WRITE, again, long(0n), text('x'))).status, OK)
    stop.abort()
    assert.equal(await served, 'ended')
    assert.deepEqual(await readdir(join(folder, 'root')), ['file'], 'nothing that was not closed')
    assert.equal(await held(), 0)
  })

  test('a session that asks for nothing is over, with all that it has open, and one that works is not', async () => {
    const sleeps: PromiseWithResolvers<void>[] = []
    const pass = async (): Promise<void> => {
      sleeps.at(-1)?.resolve()
      await new Promise((done) => setImmediate(done))
    }
    const sleep = async (): Promise<void> => {
      const one = Promise.withResolvers<void>()
      sleeps.push(one)
      await one.promise
    }
    begin({ ...systemClock, sleep })
    await hello()
    await pass()
    const handle = await open('/new', TO_WRITE)
    assert.equal((await client.ask(WRITE, handle, long(0n), text('x'))).status, OK)
    assert.equal(await held(), 1)
    await pass()
    const working = Promise.withResolvers<null>()
    const isAsked = new Promise<void>((done) => {
      files.stat = async () => {
        done()
        return await working.promise
      }
    })
    const asked = client.ask(STAT, text('/file'))
    await isAsked
    await pass()
    await pass()
    working.resolve(null)
    assert.equal((await asked).status, NO_FILE)
    await pass()
    assert.equal(await served, 'ended')
    assert.equal(await held(), 0)
  })

  test('whoever does not wait for answers is read no further than some requests', async () => {
    await hello()
    let asked = 0
    const waiting = Promise.withResolvers<void>()
    const stat = files.stat
    files.stat = async (path, signal) => {
      asked += 1
      await waiting.promise
      return await stat(path, signal)
    }
    for (let at = 0; at < 5_000; at += 1) client.send(STAT, number(at), text('/file'))
    await new Promise((done) => setImmediate(done))
    assert.ok(asked <= 32, String(asked))
    waiting.resolve()
    for (let at = 0; at < 5_000; at += 1) assert.equal((await client.next())?.id, at)
    assert.equal(asked, 5_000)
  })

  test('whoever asks for much at once has no more than 2 MiB of answers on their way', async () => {
    let most = 0
    begin(systemClock, {
      openSession() {
        const own = room.openSession()
        const waiting: typeof own.waiting = (look) => {
          const share = own.waiting(look)
          const isFull = (bytes: number): boolean => {
            most = Math.max(most, bytes)
            return share.isFull(bytes)
          }
          return { ...share, isFull }
        }
        return { ...own, waiting }
      },
    })
    await hello()
    const handle = await open('/file', TO_READ)
    for (let at = 0; at < 100; at += 1) client.send(READ, number(at), handle, long(0n), number(0xffffffff))
    for (let at = 0; at < 100; at += 1) assert.equal((await client.next())?.type, 103)
    assert.ok(most > MIB && most < 2 * MIB + 256 * 1024, String(most))
  })

  test('a folder whose provider tells the same names for ever comes to an end', async () => {
    await hello()
    files.list = async () => ({ entries: [{ ...(await fileAt()), name: 'same' }], more: true })
    const fileAt = async () => {
      const found = await files.stat('/file', stop.signal)
      assert.ok(found)
      return found
    }
    const handle = (await client.ask(OPENDIR, text('/'))).rest
    assert.equal((await client.ask(READDIR, handle)).type, 104)
    assert.equal((await client.ask(READDIR, handle)).status, END)
  })
})
