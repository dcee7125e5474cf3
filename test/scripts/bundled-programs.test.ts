/** What large runs of the tests start in place of the source. */

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { bundledPrograms } from '../../scripts/testing/bundled-programs.ts'
import { FAULTY_PROGRAM_VARIABLE, PROGRAM_VARIABLE } from '../../scripts/testing/programs.ts'

const NAMES = [PROGRAM_VARIABLE, FAULTY_PROGRAM_VARIABLE]
/** What only the stand-ins have. */
const POINTS = ['"award:open"', '"created"']

describe('the bundled programs', () => {
  let programs: string[]
  before(async () => {
    // A large run has just made them.
    const made = NAMES.every((name) => process.env[name] !== undefined) ? process.env : await bundledPrograms()
    programs = NAMES.map((name) => made[name] ?? '')
  })

  async function textOf(program: string): Promise<string> {
    const folder = dirname(program)
    const names = (await readdir(folder)).filter((name) => name.endsWith('.js'))
    return (await Promise.all(names.map(async (name) => await readFile(join(folder, name), 'utf8')))).join('\n')
  }

  it('run, with what they read beside themselves', async () => {
    const version = JSON.parse(await readFile(join(import.meta.dirname, '../../package.json'), 'utf8')).version
    for (const program of programs) {
      const { stdout } = await promisify(execFile)(process.execPath, [program, '--version'])
      assert.equal(stdout.trim(), version)
    }
  })

  it('have points for faults in one of them alone', async () => {
    const [plain = '', faulty = ''] = await Promise.all(programs.map(textOf))
    for (const point of POINTS) {
      assert.ok(faulty.includes(`pass(${point})`), point)
      assert.ok(!plain.includes(`pass(${point})`), point)
    }
  })
})
