/** `docs/reference/` is what the code says, and its snippets do what they are for. */

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { createProgram } from '../../bin/program.ts'
import { signatureOf } from '../../gateway/webhooks/signature.ts'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { referencePages } from '../../scripts/reference.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const SNIPPETS = join(DOCS, 'reference/verify-webhook')
const SECRET = 'a secret of this test'
const BODY = '{"id":"evt_1","type":"job.completed","data":{"text":"ü 100%\\n"}}'

describe('the reference', () => {
  it('is what the code says: `npm run gen` writes it', async () => {
    const pages = await referencePages()
    const there = globSync('reference/**/*.md', { cwd: DOCS })
    assert.deepEqual(there.toSorted(), pages.map(({ path }) => path).toSorted())
    for (const { path, text } of pages) assert.equal(readFileSync(join(DOCS, path), 'utf8'), text, path)
  })

  it('has the settings of its example, as the program reads them', async () => {
    const page = readFileSync(join(DOCS, 'reference/configuration.md'), 'utf8')
    const [, example = ''] = /^```yaml\n(.*?)^```$/ms.exec(page) ?? []
    const folder = await mkdtemp(join(tmpdir(), 'cortex-docs-'))
    const file = join(folder, 'cortex.yaml')
    await writeFile(file, example)
    try {
      const program = await createProgram(['id', '--config', file])
      const settings: unknown[] = []
      program.commands
        .find((one) => one.name() === 'id')
        ?.action((options: { network?: string }) => void settings.push(options))
      await program.parseAsync(['id', '--config', file], { from: 'user' })
      assert.equal(settings.length, 1)
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('has every field of a job', () => {
    const page = readFileSync(join(DOCS, 'reference/job.md'), 'utf8')
    for (const name of Object.keys(jobSubmissionSchema.shape)) assert.ok(page.includes(`\n| \`${name}\` |`), name)
  })
})

/** Ends with 0 where it takes the delivery for genuine. */
const RUNS: Record<string, (signature: string, body: string) => { status: number | null; stderr: string }> = {
  'verify.mjs': (signature, body) =>
    run(process.execPath, [
      '--input-type=module',
      '-e',
      `import { isGenuine } from ${JSON.stringify(join(SNIPPETS, 'verify.mjs'))}
      const { SECRET, SIGNATURE, BODY } = process.env
      process.exit(isGenuine(SECRET, SIGNATURE, Buffer.from(BODY)) ? 0 : 1)`,
    ])(signature, body),
  'verify.py': (signature, body) =>
    run('python3', [
      '-c',
      `import os, sys
sys.dont_write_bytecode = True
sys.path.insert(0, ${JSON.stringify(SNIPPETS)})
from verify import is_genuine
sys.exit(0 if is_genuine(os.environ["SECRET"], os.environ["SIGNATURE"], os.environ["BODY"].encode()) else 1)`,
    ])(signature, body),
  'verify.sh': (signature, body) => run('sh', [join(SNIPPETS, 'verify.sh'), signature])(signature, body),
}

function run(program: string, args: string[]) {
  return (signature: string, body: string) => {
    const env = { ...process.env, SECRET, WEBHOOK_SECRET: SECRET, SIGNATURE: signature, BODY: body }
    return spawnSync(program, args, { input: body, env, encoding: 'utf8' })
  }
}

describe('the snippets that verify webhooks', () => {
  const nowMs = Date.now()
  const cases: [what: string, signature: string, body: string, genuine: boolean][] = [
    ['a delivery as it is sent', signatureOf(SECRET, BODY, nowMs), BODY, true],
    ['another body', signatureOf(SECRET, BODY, nowMs), BODY.replace('completed', 'failed'), false],
    ['another secret', signatureOf('another secret', BODY, nowMs), BODY, false],
    ['an old delivery', signatureOf(SECRET, BODY, nowMs - 600_000), BODY, false],
    ['no signature', '', BODY, false],
  ]
  for (const [file, verify] of Object.entries(RUNS)) {
    for (const [what, signature, body, genuine] of cases) {
      it(`${file}: ${what} is ${genuine ? '' : 'not '}taken`, () => {
        const { status, stderr } = verify(signature, body)
        assert.equal(status, genuine ? 0 : 1, stderr)
      })
    }
  }
})
