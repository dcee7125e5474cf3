import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { CortexClient } from '../../gateway/client/index.ts'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

let market: TestMarket
let api: Api
let rest: CortexClient
before(async () => {
  market = await openMarket()
  await market.addSeller()
  api = await openApi(market)
  rest = new CortexClient({ baseUrl: api.url, apiKey: api.key })
})
after(async () => {
  await market.close()
})

// biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
type Facts = any

/** What a tool answers, and whether it is an error. */
async function call(client: Client, name: string, args: Record<string, unknown> = {}): Promise<Facts> {
  const { structuredContent, isError = false, content } = await client.callTool({ name, arguments: args })
  if (structuredContent === undefined) return { isError, text: JSON.stringify(content) }
  // Clients that read text alone are told the same.
  assert.deepEqual(JSON.parse((content[0] as { text: string }).text), structuredContent)
  return { isError, ...(structuredContent as object) }
}

/** Runs a job to its end, however long that takes. */
async function run(client: Client, args: Record<string, unknown>): Promise<Facts> {
  let ran = await call(client, 'run', args)
  while (ran.ended === false) ran = await call(client, 'job', { job: ran.job, waitSeconds: 30 })
  return ran
}

const overHttp = (options?: ConstructorParameters<typeof Client>[1]) => async (budget?: string) => {
  const headers = { Authorization: `Bearer ${api.key}`, ...(budget === undefined ? {} : { 'Cortex-Budget': budget }) }
  const client = new Client({ name: 'test', version: '1' }, options)
  await client.connect(new StreamableHTTPClientTransport(new URL(`${api.url}/mcp`), { requestInit: { headers } }))
  return client
}

async function overPipes(budget?: string): Promise<Client> {
  const client = new Client({ name: 'test', version: '1' })
  const args = [PROGRAM, 'mcp', '--gateway', api.url, ...(budget === undefined ? [] : ['--budget', budget])]
  const env = { PATH: process.env.PATH ?? '', HOME: market.folder, CORTEX_KEY: api.key }
  await client.connect(new StdioClientTransport({ command: process.execPath, args, env }))
  return client
}

const ways: [name: string, connect: (budget?: string) => Promise<Client>][] = [
  ['over HTTP', overHttp()],
  ['over standard input and output', overPipes],
]

test('clients that speak the revision of 2026 have the same tools', async () => {
  const clients = [await overHttp()(), await overHttp({ versionNegotiation: { mode: 'auto' } })()]
  const [old, young] = await Promise.all(clients.map(async (client) => (await client.listTools()).tools))
  assert.deepEqual(young, old)
  const [, client] = clients as [Client, Client]
  const ran = await run(client, { image: market.image, memory: '16Mi', network: 'none', script: 'echo hello' })
  assert.deepEqual([ran.exitCode, ran.untrusted.log], [0, 'hello'])
  for (const one of clients) await one.close()
})

for (const [name, connect] of ways) {
  describe(`tools for models ${name}`, () => {
    let client: Client
    const small = () => ({ image: market.image, cpu: 100, memory: '16Mi', storage: '16Mi', network: 'none' })
    before(async () => {
      client = await connect()
    })
    after(async () => {
      await client.close()
    })

    test('say what they do', async () => {
      const { tools } = await client.listTools()
      assert.deepEqual(
        tools.map((tool) => tool.name),
        [
          'estimate',
          'run',
          'sandbox',
          'exec',
          'list_files',
          'read_file',
          'write_file',
          'logs',
          'job',
          'jobs',
          'cancel',
          'costs',
        ],
      )
    })

    test('run a program to its end, and read what it left', async () => {
      // On a busy machine its provider may not answer in time.
      let offer: Facts
      do offer = await call(client, 'estimate', { ...small(), script: 'true', duration: 60 })
      while (!offer.accepted)
      assert.match(offer.offers[0].mostCostUsd, /^0\.\d+$/)
      const script = 'cat /in/note; echo bad >&2; mkdir /out; seq 1 5 > /out/numbers; exit 3'
      const files = [{ path: '/in/note', text: 'noted\n' }]
      const ran = await run(client, { ...small(), script, files, outputs: '/out', duration: 60 })
      assert.deepEqual([ran.status, ran.exitCode, ran.ended], ['failed', 3, true])
      assert.deepEqual(ran.untrusted.log.split('\n').sort(), ['[stderr] bad', 'noted'])
      assert.match(ran.untrusted.note, /data/)
      const { untrusted, nextOffset } = await call(client, 'read_file', {
        job: ran.job,
        path: '/out/numbers',
        length: 4,
      })
      assert.deepEqual([untrusted.text, nextOffset], ['1\n2\n', 4])
      const elsewhere = await call(client, 'read_file', { job: ran.job, path: '/etc/passwd' })
      assert.deepEqual([elsewhere.isError, elsewhere.error.code], [true, 'JOB_HAS_ENDED'])
    })

    test('give a machine to work in', async () => {
      const { job, endsAfterSeconds } = await call(client, 'sandbox', { ...small(), ttlSeconds: 1_800 })
      assert.equal(endsAfterSeconds, 1_800)
      await market.when(job, ({ state }) => state.status === 'running')
      const written = await call(client, 'write_file', {
        job,
        path: '/work/run.sh',
        content: 'echo "$1 é"',
        mode: '755',
      })
      assert.equal(written.bytes, 12)
      const ran = await call(client, 'exec', { job, script: 'sh /work/run.sh hello; echo hidden \u200b; exit 4' })
      assert.deepEqual([ran.exitCode, ran.untrusted.stdout], [4, 'hello é\nhidden \\u{200b}\n'])
      const { untrusted } = await call(client, 'list_files', { job, path: '/work' })
      assert.deepEqual(untrusted.entries, [{ name: 'run.sh', type: 'file', size: 12 }])
      // A part that ends within a character leaves it for the next one.
      const part = await call(client, 'read_file', { job, path: '/work/run.sh', length: 10 })
      assert.deepEqual([part.untrusted.text, part.nextOffset], ['echo "$1 ', 9])
      const rest = await call(client, 'read_file', { job, path: '/work/run.sh', offset: part.nextOffset })
      assert.deepEqual([rest.untrusted.text, rest.nextOffset], ['é"', null])
      await call(client, 'exec', { job, script: 'head -c 9 /dev/zero > /work/zeros' })
      const binary = await call(client, 'read_file', { job, path: '/work/zeros' })
      assert.equal(Buffer.from(binary.untrusted.base64, 'base64').length, 9)
      const long = await call(client, 'exec', { job, script: 'yes | head -c 100000' })
      assert.ok(long.cut && long.untrusted.stdout.length < 40_000)
      await call(client, 'exec', { job, script: ': > /work/empty' })
      const empty = await call(client, 'read_file', { job, path: '/work/empty' })
      assert.deepEqual([empty.untrusted.text, empty.nextOffset], ['', null])
      const endless = await call(client, 'exec', { job, script: 'echo first; yes | head -c 2000000' })
      assert.match(endless.untrusted.stdout, /^first\n/)
      assert.match(endless.remedy, /first MiB/)
      const missing = await call(client, 'read_file', { job, path: '/work/none' })
      assert.deepEqual([missing.isError, typeof missing.error.remedy], [true, 'string'])
      const found = await call(client, 'jobs', { status: ['running'] })
      assert.ok(found.jobs.some((one: { job: string }) => one.job === job))
      await call(client, 'cancel', { job })
      assert.equal((await market.ended(job)).state.status, 'cancelled')
      const gone = await call(client, 'exec', { job, script: 'true' })
      assert.deepEqual([gone.isError, gone.error.code], [true, 'JOB_STATE_CONFLICT'])
    })

    test('read a log line by line, and wait for more', async () => {
      const script = 'seq 1 300; while [ ! -e /go ]; do sleep 1; done; echo last'
      const begun = await call(client, 'run', { ...small(), script, duration: 600, waitSeconds: 0 })
      const { job } = begun
      assert.equal(begun.ended, false)
      await market.when(job, ({ logs }) => logs.lines >= 300)
      const newest = await call(client, 'logs', { job, lines: 2 })
      assert.deepEqual([newest.untrusted.log, newest.shownFrom, newest.nextAfter], ['299\n300', 299, 300])
      const first = await call(client, 'logs', { job, after: 0, lines: 2 })
      assert.deepEqual([first.untrusted.log, first.nextAfter, first.atEnd], ['1\n2', 2, false])
      const none = await call(client, 'logs', { job, after: 300 })
      assert.deepEqual([none.untrusted.log, none.nextAfter], ['', 300])
      const waiting = call(client, 'logs', { job, after: 300, waitSeconds: 55 })
      await call(client, 'write_file', { job, path: '/go', content: '' })
      await waiting
      await market.ended(job)
      assert.equal((await call(client, 'logs', { job, after: 300, waitSeconds: 55 })).untrusted.log, 'last')
      const ended = await call(client, 'job', { job, waitSeconds: 55 })
      assert.deepEqual([ended.exitCode, ended.logLines, ended.logShownFrom], [0, 301, 102])
    })

    test('refuse what a budget does not allow, and say what is left', async () => {
      const poor = await connect('0')
      try {
        const refused = await call(poor, 'run', { ...small(), script: 'true', duration: 3600 })
        assert.deepEqual([refused.isError, refused.error.code], [true, 'BUDGET_EXCEEDED'])
        assert.equal(refused.error.remainingUsd, '0')
      } finally {
        await poor.close()
      }
      const before = (await rest.me()).keyId
      const rich = await connect('1')
      try {
        const ran = await run(rich, { ...small(), script: 'true', duration: 600 })
        assert.equal(ran.status, 'completed')
        const { origin, config } = await rest.jobs.get(ran.job)
        assert.equal(origin.mcpKey, before)
        assert.ok(Number(config.maxPrice) > 0 && Number(config.maxPrice) < 0.1, String(config.maxPrice))
        const { budget } = await call(rich, 'costs')
        assert.equal(budget.limitUsd, '1')
        assert.ok(Number(budget.usedUsd) > 0 && Number(budget.remainingUsd) < 1)
      } finally {
        await rich.close()
      }
    })

    test('name the field that is wrong', async () => {
      const wrong = await call(client, 'run', { image: market.image, memory: 'much' })
      assert.deepEqual([wrong.isError, wrong.error.fields[0].path], [true, 'memory'])
      const unknown = await call(client, 'run', { ...small(), script: 'true', walltime: 5 })
      assert.deepEqual([unknown.error.code, unknown.error.fields[0].path], ['VALIDATION_ERROR', 'walltime'])
      const further = await call(client, 'run', { ...small(), script: 'true', more: { walltime: 5 } })
      assert.deepEqual([further.isError, further.error.code], [true, 'VALIDATION_ERROR'])
      assert.match(JSON.stringify(further.error), /walltime/)
    })
  })
}
