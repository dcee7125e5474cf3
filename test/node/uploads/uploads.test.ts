import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { silentLogger } from '../../../node/logger.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { type StillToRun, type Upload, UploadError } from '../../../node/uploads/index.ts'
import { createUploads, type RunningUploads, type UploadsInit } from '../../../node/uploads/uploads.ts'
import { configOf } from '../../support/image-archive.ts'
import { createSimClock, type SimClock } from '../../support/sim-clock.ts'
import { until } from '../../support/until.ts'

const HOUR_MS = 3_600_000
const sha256Of = (bytes: string): string => createHash('sha256').update(bytes).digest('hex')
const failsAs = (code: string) => (error: unknown) => error instanceof UploadError && error.code === code

let folder: string
let clock: SimClock
let uploads: RunningUploads
let jobs: JobRecord[]
let full: string | null

async function start(init: Partial<UploadsInit> = {}): Promise<void> {
  async function* active() {
    yield* jobs
  }
  uploads = createUploads(
    { store: { active }, clock, logger: silentLogger, refusal: async () => full },
    { folder, ...init },
  )
  await uploads.start()
}

async function begin(owner = 'me', length: number | null = null): Promise<string> {
  return (await uploads.begin({ owner, folder: false, name: 'x', length })).id
}

async function give(bytes: string, owner = 'me') {
  const id = await begin(owner)
  return await uploads.append({ owner, id, offset: 0 }, Readable.from([Buffer.from(bytes)]), true)
}

/** In time, of which some passes while nobody looks. */
async function comesTrue(condition: () => boolean): Promise<void> {
  await until(async () => {
    await clock.advance(HOUR_MS / 6)
    return condition()
  })
}

async function* breaking(bytes: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(bytes)
  throw new Error('cut off')
}

describe('uploads', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-uploads-'))
    clock = createSimClock()
    jobs = []
    full = null
    await start()
  })
  afterEach(async () => {
    await uploads.stop()
    await rm(folder, { recursive: true })
  })

  it('go on where they broke off, also in another process', async () => {
    const id = await begin()
    await assert.rejects(uploads.append({ owner: 'me', id, offset: 0 }, breaking('abc'), true), /cut off/)
    assert.equal(uploads.get('me', id)?.offset, 3)
    await uploads.stop()
    await start()
    assert.equal(uploads.get('me', id)?.offset, 3)
    const rest = Readable.from([Buffer.from('def')])
    const done = await uploads.append({ owner: 'me', id, offset: 3 }, rest, true)
    assert.equal(done.sha256, sha256Of('abcdef'))
    await uploads.stop()
    await start()
    const found = await uploads.find('me', sha256Of('abcdef'))
    assert.deepEqual([found?.id, found?.offset], [id, 6])
    const opened = await uploads.open({ owner: 'me' } as JobRecord, sha256Of('abcdef'), 2)
    assert.deepEqual([opened?.bytes, opened && (await text(opened.stream))], [6, 'cdef'])
    assert.equal(await uploads.open({ owner: 'other' } as JobRecord, sha256Of('abcdef'), 0), null)
  })

  it('are kept once however often they are given, and as long as anybody has them', async () => {
    const first = await give('same')
    assert.equal((await give('same')).id, first.id)
    const other = await give('same', 'other')
    assert.notEqual(other.id, first.id)
    assert.equal((await readdir(folder)).filter((name) => name.endsWith('.blob')).length, 1)
    assert.equal(await uploads.remove('other', first.id), false)
    assert.equal(await uploads.remove('me', first.id), true)
    assert.equal((await uploads.find('other', sha256Of('same')))?.id, other.id)
    assert.equal(await uploads.remove('other', other.id), true)
    assert.deepEqual(await readdir(folder), [])
  })

  it('have bounds: of one, of an owner, of all, of their number, and of the disk', async () => {
    await uploads.stop()
    await start({ maxOwnerBytes: 10, maxTotalBytes: 15, maxOwnerUploads: 3 })
    await assert.rejects(begin('me', 11), failsAs('TOO_LARGE'))
    await give('12345678')
    await assert.rejects(give('123'), failsAs('NO_ROOM'), 'of an owner')
    assert.equal(uploads.list('me').length, 2)
    await give('12345', 'other')
    await assert.rejects(give('1234567890', 'third'), failsAs('NO_ROOM'), 'of all')
    await begin()
    await assert.rejects(begin(), failsAs('TOO_MANY'))
    full = 'has no disk left'
    await assert.rejects(begin('fourth'), failsAs('NO_ROOM'))
  })

  it('take one writer at a time, at their end, and no more than was said', async () => {
    const id = await begin('me', 4)
    const held = Promise.withResolvers<void>()
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab')
      await held.promise
    }
    const first = uploads.append({ owner: 'me', id, offset: 0 }, slow(), false)
    await until(() => uploads.get('me', id)?.offset === 2)
    await assert.rejects(uploads.append({ owner: 'me', id, offset: 2 }, Readable.from([]), false), failsAs('BUSY'))
    assert.equal(await uploads.remove('me', id), false)
    held.resolve()
    await first
    await assert.rejects(uploads.append({ owner: 'me', id, offset: 0 }, Readable.from([]), true), failsAs('OFFSET'))
    const more = Readable.from([Buffer.from('cde')])
    await assert.rejects(uploads.append({ owner: 'me', id, offset: 2 }, more, true), failsAs('TOO_LARGE'))
    await assert.rejects(uploads.append({ owner: 'other', id, offset: 2 }, Readable.from([]), true), failsAs('GONE'))
  })

  it('are kept while something that will still run names them, an image with all of its parts, and a day longer', async () => {
    const [ofTemplate, ofSchedule, idle] = [
      await give('of a template'),
      await give('of a schedule'),
      await give('idle'),
    ]
    const [layer, config] = [await give('layer'), await give(configOf([Buffer.from('layer')]))]
    const part = ({ sha256, offset }: Upload) => ({
      ...{ mediaType: 'application/octet-stream', digest: `sha256:${sha256}`, size: offset },
    })
    const manifest = await give(JSON.stringify({ schemaVersion: 2, config: part(config), layers: [part(layer)] }))
    const ofOther = await give('of a template', 'other')
    const upload = (one: Upload) => ({ upload: `sha256:${one.sha256}` })
    let named: StillToRun[] = [
      { owner: 'me', spec: { inputs: [{ path: '/in', from: upload(ofTemplate) }], imageFrom: upload(manifest) } },
      { owner: 'me', spec: { stdin: upload(ofSchedule) } },
    ]
    let isBroken = true
    uploads.keepFor(async function* () {
      yield* named
      if (isBroken) throw new Error('the table cannot be read')
    })
    await clock.advance(30 * HOUR_MS)
    await uploads.forgetOld()
    assert.notEqual(uploads.get('me', idle.id), null, 'nothing is forgotten where not all is known')
    isBroken = false
    await uploads.forgetOld()
    assert.equal(uploads.get('me', idle.id), null)
    const kept = [ofTemplate, ofSchedule, layer, config, manifest].map(({ id }) => id)
    assert.deepEqual(
      uploads
        .list('me')
        .map(({ id }) => id)
        .toSorted(),
      kept.toSorted(),
    )
    assert.equal(uploads.get('other', ofOther.id), null, 'whose it is, is who names it')
    named = []
    await clock.advance(20 * HOUR_MS)
    await uploads.forgetOld()
    assert.equal(uploads.list('me').length, kept.length, 'being named is a use')
    await comesTrue(() => uploads.list('me').length === 0)
  })

  it('are forgotten a day after their last use, those of jobs that go on apart', async () => {
    const [idle, inUse, ofJob] = [await give('idle'), await give('in use'), await give('of a job')]
    const upload = `sha256:${ofJob.sha256}`
    jobs = [{ owner: 'me', spec: { inputs: [{ path: '/in', from: { upload } }] } } as unknown as JobRecord]
    await clock.advance(20 * HOUR_MS)
    await uploads.find('me', inUse.sha256 ?? '')
    await clock.advance(5 * HOUR_MS)
    await comesTrue(() => uploads.get('me', idle.id) === null)
    assert.deepEqual(
      uploads
        .list('me')
        .map(({ id }) => id)
        .toSorted(),
      [ofJob.id, inUse.id].toSorted(),
    )
    jobs = []
    await comesTrue(() => uploads.get('me', ofJob.id) === null)
  })
})
