/** Several outputs of a job: kept apart, fetched apart, and brought on to the next job. */

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { after, before, describe, it } from 'node:test'
import { CortexClient, type Job } from '../../gateway/client/index.ts'
import { entriesOf } from '../../node/tar-entries.ts'
import type { JobSubmission } from '../../protocol/job-spec.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const OUTPUTS = [
  { path: '/work/model' },
  { name: 'logs', path: '/var/log/app' },
  { path: '/never/made' },
  { name: 'one', path: '/one file' },
]

const SCRIPT = [
  'mkdir -p /work/model/deep /var/log/app && cd /work/model && echo weights > deep/w && ln -s ../../model/deep/w deep/link',
  'echo line > /var/log/app/a.log && mkfifo /var/log/app/pipe && echo one > "/one file" && echo $CORTEX_OUTPUTS',
].join(' && ')

describe('several outputs of a job', () => {
  let market: TestMarket
  let api: Api
  let client: CortexClient
  let job: Job

  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market)
    client = new CortexClient({ baseUrl: api.url, apiKey: api.key })
    job = await api.run(market.job(SCRIPT, { outputs: OUTPUTS }))
  })
  after(async () => await market.close())

  async function namesIn(options: { name?: string } = {}): Promise<string[]> {
    const tar = Readable.fromWeb((await client.jobs.output(job.id, options)) as never)
    const names: string[] = []
    for await (const entry of entriesOf(tar)) {
      names.push(entry.header.name)
      entry.resume()
    }
    return names
  }

  const MODEL = ['model/', 'model/deep/', 'model/deep/link', 'model/deep/w']

  it('come as one tar, each under its name, and what is missing of them is named', async () => {
    assert.equal(job.status, 'completed', JSON.stringify(job.error))
    assert.deepEqual((await namesIn()).toSorted(), ['logs/', 'logs/a.log', ...MODEL, 'one'])
    const { results, config } = await client.jobs.get(job.id)
    assert.deepEqual(results.leftOut, [
      { path: 'logs/pipe', reason: 'is a pipe' },
      { path: '/never/made', reason: 'was not there when the container ended' },
    ])
    assert.deepEqual(config['outputs'], [
      { name: 'model', path: '/work/model' },
      OUTPUTS[1],
      { name: 'made', path: '/never/made' },
      OUTPUTS[3],
    ])
    const [line] = await Array.fromAsync(client.jobs.logs(job.id))
    assert.equal(line?.line, '/work/model:/var/log/app:/never/made:/one file')
  })

  it('come each as a tar of its own, and file by file', async () => {
    assert.deepEqual((await namesIn({ name: 'model' })).toSorted(), MODEL)
    assert.deepEqual(await namesIn({ name: 'one' }), ['one'])
    const file = await client.jobs.output(job.id, { path: 'model/deep/link' })
    assert.equal(await text(file), 'weights\n')
    for (const [query, status] of [
      ['name=made', 404],
      ['name=never', 404],
      ['name=../logs', 404],
      ['name=logs&path=logs/a.log', 400],
      ['name=', 400],
    ] as const) {
      const url = `${api.url}/api/plugin-core/jobs/${job.id}/output?${query}`
      const answer = await fetch(url, { headers: { Authorization: `Bearer ${api.key}` } })
      assert.equal(answer.status, status, `${query} ${await answer.text()}`)
    }
  })

  it('are what the next job brings: all of them, one, or a part of one', async () => {
    const from = { job: job.id }
    const inputs: JobSubmission['inputs'] = [
      { path: '/all', from },
      { path: '/model', from: { ...from, path: 'model' } },
      { path: '/one', from: { ...from, path: 'one' } },
    ]
    const next = await api.run(market.job('cat /all/logs/a.log /model/deep/link /one; ls /all', { inputs }))
    const lines = await Array.fromAsync(client.jobs.logs(next.id))
    assert.deepEqual(
      lines.map(({ line }) => line),
      ['line', 'weights', 'one', 'logs', 'model', 'one'],
    )
  })

  it('are lost together only where there was none of them', async () => {
    const outputs = ['/none', '/nothing'].map((path) => ({ path }))
    const { results } = await api.run(market.job('true', { outputs }))
    const reason = 'was not kept: The container left nothing at /none, /nothing'
    assert.deepEqual([results.outputUrl, results.leftOut], [null, outputs.map(({ path }) => ({ path, reason }))])
  })

  it('one path alone is what it ever was', async () => {
    const one = await api.run(market.job('mkdir /out; echo x > /out/file; echo $CORTEX_OUTPUTS', { outputs: '/out' }))
    assert.equal(one.config['outputs'], '/out')
    const tar = await buffer(Readable.fromWeb((await client.jobs.output(one.id)) as never))
    const alone = await buffer(Readable.fromWeb((await client.jobs.output(one.id, { name: 'out' })) as never))
    assert.deepEqual(alone, tar)
  })
})
