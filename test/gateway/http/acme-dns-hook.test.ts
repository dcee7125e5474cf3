/** The program that sets records for an authority: what it is told, and what becomes of one that fails or does not end. */

import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { dnsProof } from '../../../gateway/http/acme-dns-hook.ts'
import type { Question } from '../../../gateway/http/acme-proof.ts'
import { type Logger, silentLogger } from '../../../node/logger.ts'
import { until } from '../../support/until.ts'

function question(name: string, answer = 'x-y_z'): Question {
  const identifier = { type: 'dns', value: name }
  return { authorization: { identifier, url: '', status: 'pending', challenges: [] }, token: 'token', answer }
}

describe('the program that sets records', () => {
  let folder: string
  let said: string[]
  let warned: string[]
  const never = new AbortController().signal

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-hook-'))
    said = []
    warned = []
  })
  afterEach(async () => {
    await rm(folder, { recursive: true })
  })

  async function proof(script: string) {
    const path = join(folder, 'hook')
    await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 })
    const logger: Logger = Object.create(silentLogger)
    logger.info = ((fields: { said: string }) => void said.push(fields.said)) as Logger['info']
    logger.warn = ((fields: { problem: string }) => void warned.push(fields.problem)) as Logger['warn']
    return dnsProof(path, logger)
  }

  it('is told what to do with which record, without a shell, and without the gateway’s own secrets', async () => {
    process.env.CORTEX_HOOK_TEST = 'secret'
    process.env.HOOK_TEST = 'its own'
    try {
      const hook = await proof('echo "$#|$1|$2|$3|$CORTEX_HOOK_TEST|$HOOK_TEST"; echo aside >&2')
      await hook.give(question('cortex.example', '$(id); x'), never)
      await hook.takeBack(question('cortex.example'), never)
    } finally {
      delete process.env.CORTEX_HOOK_TEST
      delete process.env.HOOK_TEST
    }
    const name = '_acme-challenge.cortex.example'
    for (const [at, words] of [`3|present|${name}|$(id); x||its own`, `3|cleanup|${name}|x-y_z||its own`].entries()) {
      assert.deepEqual(said[at]?.split('\n').sort(), [words, 'aside'].sort())
    }
  })

  it('is run for one record at a time', async () => {
    const hook = await proof(`mkdir ${join(folder, 'busy')} || exit 9; sleep 0.05; rmdir ${join(folder, 'busy')}`)
    await Promise.all(['a.example', 'b.example', 'c.example'].map((name) => hook.give(question(name), never)))
  })

  it('that fails, says why; of its words the last are kept', async () => {
    const long = await proof('head -c 200000 /dev/zero | tr "\\0" x; echo; echo no such zone; exit 3')
    await assert.rejects(hook(long), ({ message }: Error) => {
      assert.match(message, /hook present _acme-challenge\.cortex\.example: it ended with 3: x+\nno such zone$/)
      return message.length < 10_000
    })
    await long.takeBack(question('cortex.example'), never)
    assert.match(warned[0] ?? '', /cleanup .*no such zone/s)
    await rm(join(folder, 'hook'))
    await assert.rejects(hook(long), /hook present _acme-challenge\.cortex\.example cannot be run: ENOENT/)
    await writeFile(join(folder, 'hook'), 'x', { mode: 0o644 })
    await assert.rejects(hook(long), /cannot be run: EACCES/)
  })

  it('that does not end is ended with all that it started, and begun no more', async () => {
    const endless = await proof(`sleep 100000 & echo $! >${join(folder, 'pid')}; wait`)
    const over = new AbortController()
    const given = endless.give(question('cortex.example'), over.signal)
    const pid = async () => Number(await readFile(join(folder, 'pid'), 'utf8').catch(() => ''))
    await until(async () => (await pid()) > 0)
    over.abort(new Error('The gateway ends'))
    await assert.rejects(given, /The gateway ends/)
    await until(async () => await isGone(await pid()))
    await rm(join(folder, 'pid'))
    await assert.rejects(endless.give(question('cortex.example'), over.signal), /The gateway ends/)
    assert.equal(await pid(), 0)
  })

  it('that has ended is let alone: its number may be another’s by then', async (t) => {
    const hook = await proof('true')
    const over = new AbortController()
    await hook.give(question('cortex.example'), over.signal)
    const { mock } = t.mock.method(process, 'kill', () => true)
    over.abort(new Error('The gateway ends'))
    assert.equal(mock.callCount(), 0)
  })

  async function hook(from: Awaited<ReturnType<typeof proof>>): Promise<void> {
    await from.give(question('cortex.example'), never)
  }
})

/** Ended, whether or not somebody asked for how. */
async function isGone(pid: number): Promise<boolean> {
  const status = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => null)
  return status === null || /\) Z /.test(status)
}
