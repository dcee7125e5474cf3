import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { CortexClient, ValidationError } from '../../gateway/client/index.ts'
import { configOf } from '../support/image-archive.ts'
import { ADMIN_KEY, openTestGateway, type TestGateway } from './support/test-gateway.ts'

const BASE = '/api/plugin-core/uploads'
const MiB = 2 ** 20
const digestOf = (bytes: string | Uint8Array): string => `sha256:${createHash('sha256').update(bytes).digest('hex')}`

let gateway: TestGateway

describe('uploads', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('are given in one request, shown, found by their digest, listed and deleted', async () => {
    const made = await gateway.ask('POST', `${BASE}?name=rows.csv`, { body: 'a,b\n1,2\n' })
    assert.equal(made.status, 201, JSON.stringify(made.body))
    const { id, digest, ...rest } = made.data
    assert.match(id, /^upload_/)
    assert.equal(digest, digestOf('a,b\n1,2\n'))
    assert.partialDeepStrictEqual(rest, { type: 'file', name: 'rows.csv', offset: 8, length: 8, complete: true })
    assert.equal(Date.parse(rest.expiresAt) - Date.parse(rest.createdAt) >= 24 * 3_600_000, true)
    assert.equal(made.headers.get('location'), `${BASE}/${id}`)
    for (const name of [id, digest]) assert.equal((await gateway.ask('GET', `${BASE}/${name}`)).data.id, id, name)
    assert.deepEqual(
      (await gateway.ask('GET', BASE)).data.map((one: { id: string }) => one.id),
      [id],
    )
    assert.equal((await gateway.ask('DELETE', `${BASE}/${id}`)).status, 200)
    assert.equal((await gateway.ask('GET', `${BASE}/${digest}`)).code, 'RESOURCE_NOT_FOUND')
  })

  it('go on where they are, and nowhere else', async () => {
    const headers = { 'Upload-Complete': '?0', 'Upload-Length': '6' }
    const { id } = (await gateway.ask('POST', `${BASE}?type=folder`, { body: 'abc', headers })).data
    const head = await gateway.app.request(`${BASE}/${id}`, {
      method: 'HEAD',
      headers: { Authorization: `Bearer ${ADMIN_KEY}` },
    })
    const told = ['upload-offset', 'upload-complete', 'upload-length'].map((name) => head.headers.get(name))
    assert.deepEqual([head.status, ...told], [200, '3', '?0', '6'])
    const patch = async (offset: string, body: string, complete = '?1') =>
      await gateway.ask('PATCH', `${BASE}/${id}`, {
        body,
        headers: { 'Upload-Offset': offset, 'Upload-Complete': complete },
      })
    assert.equal((await patch('0', 'abc')).code, 'UPLOAD_CONFLICT')
    assert.equal((await patch('x', 'abc')).code, 'VALIDATION_ERROR')
    assert.equal((await patch('3', 'defg')).code, 'PAYLOAD_TOO_LARGE', 'more than it was to have')
    assert.equal((await patch('3', 'de')).code, 'UPLOAD_CONFLICT', 'complete, and less than it was to have')
    const done = await patch('5', 'f')
    assert.deepEqual([done.status, done.data.digest, done.data.type], [200, digestOf('abcdef'), 'folder'])
    for (const offset of ['6', '0']) {
      const { code, body } = await patch(offset, '')
      assert.deepEqual(
        [code, body.error.message],
        ['UPLOAD_CONFLICT', 'The upload is complete, and nothing is added to it: begin another one for other bytes'],
      )
    }
  })

  it('are their owner’s alone, also by their digest', async () => {
    const [mine, other] = [await gateway.keyFor('me'), await gateway.keyFor('other')]
    const { id, digest } = (await gateway.ask('POST', BASE, { body: 'mine', key: mine })).data
    for (const name of [id, digest]) {
      assert.equal((await gateway.ask('GET', `${BASE}/${name}`, { key: other })).code, 'RESOURCE_NOT_FOUND', name)
    }
    const headers = { 'Upload-Offset': '4' }
    assert.equal((await gateway.ask('PATCH', `${BASE}/${id}`, { key: other, headers })).code, 'RESOURCE_NOT_FOUND')
    assert.equal((await gateway.ask('DELETE', `${BASE}/${id}`, { key: other })).code, 'RESOURCE_NOT_FOUND')
    const job = { image: 'busybox', inputs: [{ path: '/in', from: { upload: digest } }] }
    const stolen = await gateway.ask('POST', '/api/plugin-core/jobs', { json: job, key: other })
    assert.deepEqual(
      [stolen.code, stolen.body.error.details.fields[0].path],
      ['VALIDATION_ERROR', 'inputs[0].from.upload'],
    )
    const own = await gateway.ask('POST', '/api/plugin-core/jobs', { json: job, key: mine })
    assert.deepEqual([own.status, own.data.config.inputs], [201, job.inputs])
    assert.equal(
      (await gateway.ask('POST', BASE, { body: 'mine', key: other })).data.digest,
      digest,
      'who sends it has it',
    )
    assert.equal((await gateway.ask('DELETE', `${BASE}/${id}`, { key: mine })).status, 200)
    assert.equal((await gateway.ask('GET', `${BASE}/${digest}`, { key: other })).status, 200, 'and keeps it')
  })

  it('make an image that its owner’s jobs name, and nobody else’s', async () => {
    const [mine, other] = [await gateway.keyFor('me'), await gateway.keyFor('other')]
    const give = async (body: string, key: string) => {
      const { digest, length: size } = (await gateway.ask('POST', BASE, { body, key })).data
      return { digest, size, mediaType: 'application/octet-stream' }
    }
    const config = await give(configOf([]), mine)
    const manifest = await give(JSON.stringify({ schemaVersion: 2, config, layers: [] }), mine)
    const submit = async (upload: string, key: string, more: object = {}) =>
      await gateway.ask('POST', '/api/plugin-core/jobs', {
        json: { image: 'my/app:dev', imageFrom: { upload }, ...more },
        key,
      })
    const own = await submit(manifest.digest, mine)
    assert.deepEqual(
      [own.status, own.data.image, own.data.config.imageFrom.upload],
      [201, 'my/app:dev', manifest.digest],
    )
    for (const [how, answer] of [
      ['another owner', await submit(manifest.digest, other)],
      [
        'one who has only the manifest',
        await submit((await give(JSON.stringify({ schemaVersion: 2, config, layers: [] }), other)).digest, other),
      ],
      ['what is no manifest', await submit(config.digest, mine)],
    ] as const) {
      const { code, body } = answer
      assert.deepEqual([code, body.error.details.fields[0].path], ['VALIDATION_ERROR', 'imageFrom.upload'], how)
    }
  })

  it('are nothing that the gateway’s records clear away: its node has the same folder, and keeps them in it', async () => {
    const own = await readdir(gateway.folder)
    assert.ok(own.includes('batch-files') && !own.includes('uploads'), own.join())
  })

  it('stay while a template or a schedule names them, also a paused one, but not for one whose key has ended', async (t) => {
    const give = async (body: string, key = ADMIN_KEY) => (await gateway.ask('POST', BASE, { body, key })).data.digest
    const configFor = (upload: string) => ({ image: 'busybox', inputs: [{ path: '/in', from: { upload } }] })
    const post = async (path: string, json: object, key = ADMIN_KEY) => {
      const { status, data, body } = await gateway.ask('POST', `/api/plugin-core/jobs/${path}`, { json, key })
      assert.equal(status, 201, JSON.stringify(body))
      return data.id as string
    }
    const digests = [await give('of a template'), await give('of a schedule'), await give('idle')]
    const [ofTemplate = '', ofSchedule = ''] = digests
    const template = await post('templates', { name: 'x', config: configFor(ofTemplate) })
    const weekly = { name: 'x', schedule: '0 3 * * 1', enabled: false }
    await post('schedules', { ...weekly, config: configFor(ofSchedule) })
    const key = await gateway.keyFor('alice', ['jobs:*'])
    const left = await give('left behind', key)
    await post('schedules', { ...weekly, enabled: true, config: configFor(left) }, key)
    const { id = '' } = gateway.keys.list().find(({ owner }) => owner === 'alice') ?? {}
    assert.equal((await gateway.ask('DELETE', `/api/auth/keys/${id}`)).status, 200)
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 6 * 24 * 3_600_000 })
    await gateway.node.uploads.forgetOld()
    const kept = async () => (await gateway.ask('GET', BASE)).data.map(({ digest }: { digest: string }) => digest)
    assert.deepEqual((await kept()).toSorted(), [ofTemplate, ofSchedule].toSorted())
    await gateway.ask('DELETE', `/api/plugin-core/jobs/templates/${template}`)
    t.mock.timers.setTime(Date.now() + 2 * 24 * 3_600_000)
    await gateway.node.uploads.forgetOld()
    assert.deepEqual(await kept(), [ofSchedule])
    assert.deepEqual(gateway.node.uploads.list('alice'), [])
  })

  it('need a key that may submit', async () => {
    assert.equal((await gateway.ask('POST', BASE, { body: 'x', key: null })).status, 401)
    const reader = await gateway.keyFor('me', ['jobs:read'])
    assert.equal((await gateway.ask('POST', BASE, { body: 'x', key: reader })).code, 'FORBIDDEN')
  })

  it('are made by the client in pieces, of bytes and of what gives them, and go on after a break', async () => {
    let breaks = 0
    let requests = 0
    const client = new CortexClient({
      baseUrl: 'http://localhost',
      apiKey: ADMIN_KEY,
      retries: 0,
      fetch: async (url, init) => {
        requests += 1
        const isSecondPiece = new Headers(init?.headers).get('upload-offset') === String(8 * MiB)
        if (isSecondPiece && breaks++ === 0) throw new TypeError('the connection was cut')
        return await gateway.app.request(String(url).replace('http://localhost', ''), init)
      },
    })
    const bytes = randomBytes(20 * MiB)
    const told: number[] = []
    const upload = await client.uploads.create(bytes, { name: 'big', onProgress: (done) => told.push(done) })
    assert.deepEqual([upload.digest, upload.offset, upload.complete], [digestOf(bytes), bytes.length, true])
    assert.deepEqual([told, breaks > 1, requests], [[8 * MiB, 16 * MiB, 20 * MiB], true, 6])
    async function* from(offset: number) {
      for (let at = offset; at < bytes.length; at += 3 * MiB) yield bytes.subarray(at, at + 3 * MiB)
    }
    const again = await client.uploads.create(from, { type: 'folder' })
    assert.deepEqual(
      [again.digest, again.id, again.type],
      [upload.digest, upload.id, 'folder'],
      'the same is kept once',
    )
    assert.equal((await client.uploads.find(digestOf('nothing of the kind'))) === null, true)
    assert.equal((await client.uploads.create('')).digest, digestOf(''))
    const inputs = [{ path: '/in', from: { upload: digestOf('never given') } }]
    await assert.rejects(client.jobs.submit({ image: 'busybox', inputs }), ValidationError)
  })
})
