import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { checkedBatchSchema, submittedBatchSchema } from '../../../gateway/contract/batches.ts'
import { successSchema } from '../../../gateway/contract/envelope.ts'
import { type Answer, openTestGateway, type TestGateway } from '../support/test-gateway.ts'
import { BATCH, type FormFields, sendForm } from './support/send-form.ts'

const BATCHES = '/api/plugin-core/jobs/batches'
let gateway: TestGateway

const form = async (fields: FormFields): Promise<Answer> => await sendForm(gateway, fields)

async function specsOf(answer: Answer) {
  assert.equal(answer.status, 201, JSON.stringify(answer.body))
  const { data } = successSchema(submittedBatchSchema).parse(answer.body)
  return await Promise.all(
    data.jobIds.map(async (id) => {
      const job = await gateway.store.get(id)
      assert.ok(job !== undefined, id)
      assert.equal(job.origin.batch, data.batchId)
      return job.spec
    }),
  )
}

async function badRows(answer: Answer): Promise<[number, string, string][]> {
  assert.equal(answer.status, 400, JSON.stringify(answer.body))
  assert.equal(answer.code, 'VALIDATION_ERROR')
  assert.equal((await gateway.store.list({ limit: 1 })).total, 0)
  return answer.body.error.details.rows.map((one: { row: number; column: string; reason: string }) => [
    one.row,
    one.column,
    one.reason,
  ])
}

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders of the API
describe('a batch', () => {
  beforeEach(async () => {
    gateway = await openTestGateway()
  })
  afterEach(async () => {
    await gateway.close()
  })

  it('of JSON makes its jobs in order, each held until its turn', async () => {
    const jobs = ['a', 'b', 'c'].map((args) => ({ image: 'busybox', args: [args] }))
    const answer = await gateway.ask('POST', BATCH, { json: { jobs, concurrency: 2 } })
    assert.deepEqual(
      (await specsOf(answer)).map(({ args }) => args),
      [['a'], ['b'], ['c']],
    )
    assert.equal(answer.data.status, 'submitted')
    await gateway.batchRunner.idle()
    const held = await Promise.all(
      answer.data.jobIds.map(async (id: string) => {
        const state = (await gateway.store.get(id))?.state
        return state?.status === 'pending' && state.held
      }),
    )
    assert.deepEqual(held, [false, false, true])
  })

  it('runs the same bytes in all of its jobs, whatever their tag means later', async () => {
    let asked = 0
    gateway.node.requester.resolveImage = async ({ image }) => {
      asked += 1
      if (image === 'unknown') return null
      return { digest: `sha256:${String(asked).padStart(64, '0')}`, platforms: ['linux/amd64'] }
    }
    const jobs = Array.from({ length: 50 }, () => ({ image: 'moving' }))
    const answer = await gateway.ask('POST', BATCH, { json: { jobs: [...jobs, { image: 'unknown' }] } })
    const records = await Promise.all(answer.data.jobIds.map((id: string) => gateway.store.get(id)))
    const digests = records.map((job) => job?.image?.digest)
    assert.deepEqual([new Set(digests.slice(0, 50)).size, digests[0] === undefined, digests[50]], [1, false, undefined])
    assert.equal(asked, 2)
  })

  it('of a form sets fields, variables and placeholders from its columns', async () => {
    const base = {
      image: 'registry.example/${tool}:1',
      args: ['--in', '${file}', '${HOME}', '${file}${file}'],
      cpu: '${cores}',
      env: { KEEP: 'x', NAME: 'base' },
      labels: { tool: '${tool}' },
    }
    const file =
      'tool,file,cores,env.NAME,memory,retryOnFailure,labels.row\r\nsort,"a, ""b"".txt",500,one,1Gi,TRUE,1\r\nuniq,c.txt,250,,,false,2\r\n'
    const [first, second] = await specsOf(await form({ base, file }))
    assert.equal(first?.image, 'registry.example/sort:1')
    assert.deepEqual(first?.args, ['--in', 'a, "b".txt', '${HOME}', 'a, "b".txta, "b".txt'])
    assert.equal(first?.cpu, 500)
    assert.equal(first?.memory, '1Gi')
    assert.equal(first?.retryOnFailure, true)
    assert.deepEqual(first?.env, { KEEP: 'x', NAME: 'one' })
    assert.deepEqual(first?.labels, { tool: 'sort', row: '1' })
    assert.equal(second?.memory, '512Mi')
    assert.deepEqual(second?.env, { KEEP: 'x', NAME: 'base' })
  })

  const image = { image: 'busybox' }
  const FILES: [string, string, string[][]][] = [
    ['a byte order mark and LF', '\uFEFFargs\na\nb\n', [['a'], ['b']]],
    ['CRLF and no end of the last line', 'args\r\na\r\nb', [['a'], ['b']]],
    ['semicolons, and commas in cells', 'args;cpu\n"a;b";500\na,b;500\n', [['a;b'], ['a,b']]],
    ['tabs', 'args\tcpu\na b\t500\n', [['a b']]],
    ['commas in a quoted header’s cells', '"args","cpu"\n"x, y; z",500\n', [['x, y; z']]],
    ['line breaks in quoted cells', 'args\n"a\nb"\n', [['a\nb']]],
    ['blank rows and rows of empty cells', 'args,cpu\na,\n\n,\n  \nb,\n', [['a'], ['b']]],
    ['entry 30: rows of nothing but empty text', 'args,env.A\n"",\n"",""\n,""\n"  ",\n', [[''], [''], [], ['  ']]],
    ['entry 30: one column of empty text', 'args\n""\n[]\n', [[''], []]],
    ['a delimiter at the end of each row', 'args,cpu,\na,500,\n', [['a']]],
    ['lists as JSON', 'args\n"[""a"",""b c""]"\n', [['a', 'b c']]],
    ['text that is not ASCII', 'args\nžluť 漢字 🎉\n', [['žluť 漢字 🎉']]],
    ['values with placeholders of their own', 'args,image\n${image},busybox\n', [['${image}']]],
    ['names of every object', 'args,env.toString,env.constructor\na,x,y\n', [['a']]],
  ]
  for (const [name, file, expected] of FILES) {
    it(`takes ${name}`, async () => {
      const specs = await specsOf(await form({ base: image, file }))
      assert.deepEqual(
        specs.map(({ args }) => args),
        expected,
      )
    })
  }

  it('sets the isolation by a column, of those that there are', async () => {
    const specs = await specsOf(await form({ base: { image: 'busybox' }, file: 'isolation,args\ngvisor,a\n,b\n' }))
    assert.deepEqual(
      specs.map(({ isolation }) => isolation),
      ['gvisor', undefined],
    )
  })

  it('sets the platform by a column, and keeps the base’s where its cell is empty', async () => {
    const base = { image: 'busybox', platform: 'linux/amd64' }
    const specs = await specsOf(await form({ base, file: 'platform,args\nlinux/arm64,a\n,b\n' }))
    assert.deepEqual(
      specs.map(({ platform }) => platform),
      ['linux/arm64', 'linux/amd64'],
    )
  })

  it('sets fields of a field by columns, as entries of a map', async () => {
    const base = { image: 'busybox', gpuRequirements: { vendor: 'nvidia' } }
    const file =
      'gpu,gpuRequirements.models,gpuRequirements.minVram,constraints.region,ulimits.nofile\n' +
      '1,h100,24Gi,eu,1024\n2,"[""h100"",""a100 80gb""]",,,\n'
    const specs = await specsOf(await form({ base, file }))
    assert.deepEqual(
      specs.map(({ gpu, gpuRequirements, constraints, ulimits }) => [
        gpu,
        gpuRequirements,
        constraints.region,
        ulimits,
      ]),
      [
        [1, { vendor: 'nvidia', models: ['h100'], minVram: '24Gi' }, 'eu', { nofile: 1024 }],
        [2, { vendor: 'nvidia', models: ['h100', 'a100 80gb'] }, undefined, undefined],
      ],
    )
  })

  it('tells an empty cell from empty text', async () => {
    const base = { image: 'busybox', env: { A: 'base' }, args: ['[${env.A}]'] }
    const specs = await specsOf(await form({ base, file: 'env.A,cpu\n,1\n"",1\n'.replaceAll(',1', ',500') }))
    assert.deepEqual(
      specs.map(({ env, args }) => [env.A, args[0]]),
      [
        ['base', '[]'],
        ['', '[]'],
      ],
    )
  })

  it('is refused as a whole, with row, column and reason of every bad row', async () => {
    const file = 'image,cpu,env.1X,n\nbusybox,500,,a\nbusybox,half,,b\n,500,,c\nbusybox,500,x,d\nbusybox,500\n'
    const answer = await form({ base: { args: ['${n}'] }, file })
    const rows = await badRows(answer)
    assert.deepEqual(
      rows.map(([row, column]) => [row, column]),
      [
        [2, 'cpu'],
        [3, 'image'],
        [4, 'env.1X'],
        [5, ''],
      ],
    )
    assert.match(rows[0]?.[2] ?? '', /is text: it must be a whole number of millicores/)
    assert.match(rows[3]?.[2] ?? '', /has 2 cells where the header has 4/)
    assert.equal(answer.body.error.details.badRows, 4)
    assert.deepEqual(
      answer.body.error.details.rows.map((one: { line: number }) => one.line),
      [3, 4, 5, 6],
    )
  })

  it('names the column that a placeholder’s value came from', async () => {
    const rows = await badRows(await form({ base: { image: 'busybox', cpu: '${cores}' }, file: 'cores\nmany\n' }))
    assert.deepEqual(
      rows.map(([row, column]) => [row, column]),
      [[1, 'cores']],
    )
  })

  it('tells the first hundred bad rows, and how many there are', async () => {
    const json = { jobs: Array.from({ length: 250 }, () => ({ image: 'busybox', cpu: -1 })) }
    const answer = await gateway.ask('POST', BATCH, { json })
    assert.equal((await badRows(answer)).length, 100)
    assert.equal(answer.body.error.details.badRows, 250)
  })

  it('finds unknown providers in its rows', async () => {
    const rows = await badRows(await form({ base: image, file: 'provider\np2p\nnobody\n' }))
    assert.deepEqual(
      rows.map(([row, column]) => [row, column]),
      [[2, 'provider']],
    )
  })

  const REFUSED: [string, FormFields, RegExp][] = [
    ['without a file', { base: image }, /file is missing/],
    ['with a header only', { base: image, file: 'args\n' }, /no rows/],
    ['with an empty file', { base: image, file: '' }, /no rows/],
    ['with a base that is no JSON', { base: '{', file: 'args\na\n' }, /base is not JSON/],
    ['with a base that is a list', { base: [], file: 'args\na\n' }, /base must be a job/],
    ['with a column that means nothing', { base: image, file: 'args,memmory\na,1Gi\n' }, /file\.memmory is no field/],
    ['with a column twice', { base: image, file: 'args,args\na,b\n' }, /twice/],
    ['with a quote that is not closed', { base: image, file: 'args\na\n"b\n' }, /not closed/],
    ['with text after a quote', { base: image, file: 'args\n"a"b\n' }, /closing quote/],
    ['in another encoding', { base: image, file: new Uint8Array(Buffer.from('args\n\xe9\n', 'latin1')) }, /UTF-8/],
    [
      'with a row beyond all measure',
      { base: image, file: `args\n${'x'.repeat(300_000)}\n` },
      /longer than|characters/,
    ],
    ['with a cell under no name', { base: image, file: 'args,\na,b\n' }, /without a name/],
    ['with no concurrency at all', { base: image, file: 'args\na\n', concurrency: '0' }, /concurrency must be/],
    ['with a concurrency of words', { base: image, file: 'args\na\n', concurrency: 'many' }, /concurrency/],
  ]
  for (const [name, fields, message] of REFUSED) {
    it(`is refused ${name}`, async () => {
      const answer = await form(fields)
      assert.equal(answer.status, 400, JSON.stringify(answer.body))
      assert.equal(answer.code, 'VALIDATION_ERROR')
      assert.match(answer.body.error.message, message)
      assert.equal((await gateway.store.list({ limit: 1 })).total, 0)
      assert.deepEqual(await readdir(join(gateway.folder, 'batch-files')), [])
    })
  }

  it('takes 10,000 rows in one request, and not one more', async () => {
    const rows = Array.from({ length: 10_000 }, (_, i) => `${i},500`)
    const answer = await form({ base: image, file: `args,cpu\n${rows.join('\n')}\n` })
    assert.equal(answer.status, 201, JSON.stringify(answer.body).slice(0, 500))
    assert.equal(answer.data.jobIds.length, 10_000)
    assert.deepEqual((await gateway.store.get(answer.data.jobIds[9_999]))?.spec.args, ['9999'])
    const batch = await gateway.ask('GET', `${BATCHES}/${answer.data.batchId}`)
    assert.equal(batch.data.counts.pending, 10_000)
    const more = await form({ base: image, file: `args,cpu\n${[...rows, 'x,500'].join('\n')}\n` })
    assert.match(more.body.error.message, /at most 10000 jobs/)
  })

  it('is too large beyond its own limit, which is larger than that of other requests', async () => {
    const jobs = Array.from({ length: 3000 }, () => ({ image: 'busybox', env: { TEXT: 'x'.repeat(1000) } }))
    assert.equal((await gateway.ask('POST', BATCH, { json: { jobs } })).status, 201)
    const answer = await form({ base: image, file: `args\n${'x'.repeat(33 * 1024 * 1024)}` })
    assert.deepEqual([answer.status, answer.code], [413, 'PAYLOAD_TOO_LARGE'])
    const base = { image: 'busybox', env: { TEXT: 'x'.repeat(1_100_000) } }
    assert.equal((await form({ base, file: 'args\na\n' })).code, 'PAYLOAD_TOO_LARGE')
  })

  it('answers the first batch to a repeated Idempotency-Key, and refuses another body', async () => {
    const send = async (cpu: number) =>
      await gateway.ask('POST', BATCH, { json: { jobs: [{ image: 'x', cpu }] }, headers: { 'Idempotency-Key': 'k' } })
    const first = await send(500)
    const again = await send(500)
    assert.equal(again.status, 200)
    assert.equal(again.headers.get('Idempotency-Replayed'), 'true')
    assert.deepEqual(again.data, first.data)
    assert.equal((await send(501)).code, 'IDEMPOTENCY_CONFLICT')
    assert.equal((await gateway.store.list({ limit: 1 })).total, 1)
  })

  it('is only checked where it is a dry run: nothing is submitted, and no key is used up', async () => {
    const headers = { 'Idempotency-Key': 'k' }
    const check = async (jobs: object[]) =>
      await gateway.ask('POST', `${BATCH}?dryRun=true`, { json: { jobs }, headers })
    const right = await check([image, image])
    assert.equal(right.status, 200)
    assert.deepEqual(successSchema(checkedBatchSchema).parse(right.body).data, { valid: true, total: 2 })
    assert.deepEqual(await badRows(await check([image, { ...image, cpu: 1 }])), [
      [2, 'cpu', 'must be a whole number of millicores from 10 to 1024000'],
    ])
    assert.equal((await gateway.ask('GET', BATCHES)).body.meta.pagination.total, 0)
    assert.equal((await gateway.ask('POST', BATCH, { json: { jobs: [image] }, headers })).status, 201)
  })

  it('leaves nothing when storing it breaks off', async () => {
    const { requester } = gateway.node
    const { submit } = requester
    let calls = 0
    requester.submit = async (job) => {
      calls += 1
      if (calls === 150) throw new Error('the disk is gone')
      return await submit(job)
    }
    const json = { jobs: Array.from({ length: 200 }, () => image) }
    assert.equal((await gateway.ask('POST', BATCH, { json })).status, 500)
    const { jobs } = await gateway.store.list({ limit: 1000 })
    assert.ok(jobs.every((job) => job.state.status === 'cancelled'))
    assert.equal((await gateway.ask('GET', BATCHES)).body.meta.pagination.total, 0)
  })

  it('keeps secrets out of every answer', async () => {
    const answer = await form({ base: image, file: 'secrets.TOKEN\nhunter2\n' })
    const id = answer.data.jobIds[0]
    assert.deepEqual((await gateway.store.secrets(id)).secrets, { TOKEN: 'hunter2' })
    const shown = JSON.stringify((await gateway.ask('GET', `/api/plugin-core/jobs/${id}`)).body)
    assert.ok(!shown.includes('hunter2'))
  })

  it('is seen by its owner and admins only, and needs the permission before its body is read', async () => {
    const [mine, other] = [await gateway.keyFor('mine'), await gateway.keyFor('other')]
    const reader = await gateway.keyFor('mine', ['jobs:read'])
    const { data } = await gateway.ask('POST', BATCH, { key: mine, json: { jobs: [image] } })
    assert.equal((await gateway.ask('GET', `${BATCHES}/${data.batchId}`, { key: mine })).status, 200)
    assert.equal((await gateway.ask('GET', `${BATCHES}/${data.batchId}`)).status, 200)
    for (const path of [`${BATCHES}/${data.batchId}`, `${BATCHES}/batch_none`]) {
      assert.equal((await gateway.ask('GET', path, { key: other })).code, 'RESOURCE_NOT_FOUND')
      assert.equal((await gateway.ask('POST', `${path}/cancel`, { key: other })).code, 'RESOURCE_NOT_FOUND')
    }
    assert.deepEqual((await gateway.ask('GET', BATCHES, { key: other })).data, [])
    assert.equal((await gateway.ask('POST', BATCH, { key: reader, body: '{' })).code, 'FORBIDDEN')
    assert.equal((await gateway.ask('POST', BATCH, { key: null, body: '{' })).code, 'UNAUTHORIZED')
  })
})
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: as above
