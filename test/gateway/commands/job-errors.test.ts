import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'

describe('cortex job, where something is wrong', () => {
  const at = cortexAtGateway('by environment')
  const submit = async (...args: string[]) => await at.ok('job', 'submit', ...args)

  it('says what is wrong and what to do, in one line', async () => {
    const id = await submit('busybox')
    const cases: [args: string[], line: RegExp][] = [
      [['job', 'get', 'job_000000000000'], /No job is called job_000000000000, and no job's id begins so/],
      [['job', 'submit', '--memory', 'lots', '--max-price', '-1', 'busybox'], /memory must.*maxPrice/],
      [['job', 'submit'], /image/],
      [['job', 'submit', '-f', 'nowhere.json'], /Cannot read nowhere\.json \(ENOENT\): check the path/],
      [['job', 'extend', id, '60'], /does not extend/],
      [['job', 'receipt', id], /There is no receipt yet/],
      [['job', 'list', '--key', 'wrong'], /: give another --key, or 'cortex login'/],
      [['job', 'list', '--gateway', 'nonsense'], /--gateway must be a URL such as/],
      [['job', 'list', '--gateway', 'http://127.0.0.1:2'], /Cannot reach a gateway at .* \(ECONNREFUSED\): check/],
      [['job', 'exec', id, '--', 'ps'], /The job is pending; this needs one that is running/],
      [['job', 'forward', id, '8080:80'], /The job exposes no port 80; it exposes none:/],
      [['job', 'output', id, '-o', 'here'], /The job names no outputs/],
    ]
    const ran = await Promise.all(cases.map(async ([args]) => await at.cortex.run(args)))
    for (const [i, [args, line]] of cases.entries()) {
      const { code, out, err } = ran[i] ?? {}
      // Exec ends with a container's code otherwise.
      assert.equal(code, args[1] === 'exec' ? 125 : 1, args.join(' '))
      assert.equal(out, '', args.join(' '))
      assert.match(err ?? '', /^cortex: [^\n]+\n$/, args.join(' '))
      assert.match(err ?? '', line)
    }
  })

  it('says where flags of the container go', async () => {
    for (const words of [
      ['job', 'submit', 'busybox', 'ls', '-la'],
      ['job', 'exec', 'job_000000000000', 'ls', '-la'],
    ]) {
      const { err } = await at.cortex.run(words)
      assert.equal(
        err,
        "error: unknown option '-la'\n(flags of the container's command go after --; --help shows how)\n",
      )
    }
  })

  it('keeps no receipt where there is none', async () => {
    const id = await submit('busybox')
    const file = join(at.cortex.folder, 'receipt.json')
    const { code } = await at.cortex.run(['job', 'receipt', id, '-o', file])
    assert.equal(code, 1)
    await assert.rejects(readFile(file), { code: 'ENOENT' })
  })
})
