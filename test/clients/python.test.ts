/** The client for Python: what is made of it is current, and what it knows without a gateway is right. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { madeFiles } from '../../scripts/python-client.ts'
import { readGateway } from '../../scripts/reference/read-gateway.ts'
import { NO_PYTHON, pythonWithHttpx } from '../support/python.ts'

const execute = promisify(execFile)
const CLIENT = join(import.meta.dirname, '../../clients/python')

describe('the client for Python', () => {
  it('is what the API and its own sources say: `npm run gen` writes it', async () => {
    const { document } = await readGateway()
    const made = await madeFiles(document)
    const there = globSync(
      ['src/cortex_client/_sync/*.py', 'src/cortex_client/{types,_waiting}.py', 'pyproject.toml'],
      {
        cwd: CLIENT,
      },
    )
    assert.deepEqual(there.toSorted(), Object.keys(made).toSorted())
    for (const [name, text] of Object.entries(made)) assert.equal(readFileSync(join(CLIENT, name), 'utf8'), text, name)
  })

  it('reads streams, writes rows and repeats what may be repeated', async (t) => {
    const python = await pythonWithHttpx()
    if (python === null) return t.skip(NO_PYTHON)
    const env = { ...process.env, PYTHONPATH: join(CLIENT, 'src'), PYTHONDONTWRITEBYTECODE: '1' }
    const { stderr } = await execute(python, ['-W', 'error', join(CLIENT, 'tests/units.py')], { env })
    assert.match(stderr, /\nOK\n/)
  })
})
