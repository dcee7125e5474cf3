/** The client for Python on a live market, with the Python and the httpx of Debian. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { promisify } from 'node:util'
import { NO_PYTHON, pythonWithHttpx } from '../support/python.ts'
import { openApi } from './support/api.ts'
import { openMarket, type TestMarket } from './support/market.ts'

const execute = promisify(execFile)
const CLIENT = join(import.meta.dirname, '../../clients/python')

const python = await pythonWithHttpx()

describe('cortex-client for Python', () => {
  if (python === null) {
    test('on a live market', (t) => t.skip(NO_PYTHON))
    return
  }
  let market: TestMarket
  let env: NodeJS.ProcessEnv
  before(async () => {
    market = await openMarket()
    await market.addSeller()
    const { url, key } = await openApi(market)
    const path = { PYTHONPATH: join(CLIENT, 'src'), PYTHONDONTWRITEBYTECODE: '1' }
    env = { PATH: process.env.PATH, ...path, CORTEX_GATEWAY: url, CORTEX_KEY: key, CORTEX_TEST_IMAGE: market.image }
  })
  after(async () => {
    await market.close()
  })

  for (const name of [
    'Sync.test_job',
    'Sync.test_follow',
    'Sync.test_once',
    'Sync.test_change',
    'Sync.test_sandbox',
    'Sync.test_batches',
    'Sync.test_errors',
    'Awaited.test_all',
  ]) {
    test(name, async () => {
      // What it says of its tests is on standard error, and shown where one fails.
      const { stderr } = await execute(python, ['-W', 'error', join(CLIENT, 'tests/live.py'), name], { env })
      assert.match(stderr, /\nOK\n/)
    })
  }
})
