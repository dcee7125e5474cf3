import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { buffer } from 'node:stream/consumers'
import { after, before, describe, test } from 'node:test'
import { PROGRAM } from '../../scripts/testing/programs.ts'
import { type Api, openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const MUCH = Buffer.alloc(20_000_000, 'x')

describe('entry 40: a command that does not read all of its input', () => {
  let market: TestMarket
  let api: Api
  let id: string
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    api = await openApi(market)
    id = await api.submit(market.job('echo up; sleep 3600', { duration: 3_600 }))
    await market.when(id, ({ state, logs }) => state.status === 'running' && logs.lines > 0)
  })
  after(async () => {
    await market?.close()
  })

  /** Runs `cortex job exec -i`, its standard input open after what it is given. */
  async function exec(script: string, input: Buffer, ends = false) {
    const child = spawn(process.execPath, [PROGRAM, 'job', 'exec', '-i', id, '--', 'sh', '-c', script], {
      env: { ...process.env, CORTEX_GATEWAY: api.url, CORTEX_KEY: api.key },
    })
    child.stdin.on('error', () => undefined) // it ends before it has taken all of it
    child.stdin.write(input)
    if (ends) child.stdin.end()
    const output = buffer(child.stdout)
    const problem = buffer(child.stderr)
    const [code] = await once(child, 'exit')
    child.stdin.destroy()
    return { code, stdout: String(await output), stderr: String(await problem) }
  }

  const cases: [script: string, code: number, stdout: string][] = [
    ['head -c1 >/dev/null; exit 5', 5, ''],
    ['exit 7', 7, ''],
    ['head -c 1000000 | wc -c', 0, '1000000\n'],
    ['exec 0<&-; sleep 1; echo on; exit 3', 3, 'on\n'],
    ['yes | head -c 3000000 | wc -c; exit 4', 4, '3000000\n'],
  ]
  for (const [script, code, stdout] of cases) {
    test(`ends with its own exit code: ${script}`, async () => {
      for (let i = 0; i < 3; i += 1) {
        assert.deepEqual(await exec(script, MUCH), { code, stdout, stderr: '' }, `time ${i + 1}`)
      }
    })
  }

  test('one that reads all of it has all of it', async () => {
    assert.deepEqual(await exec('wc -c', MUCH, true), { code: 0, stdout: `${MUCH.length}\n`, stderr: '' })
  })
})
