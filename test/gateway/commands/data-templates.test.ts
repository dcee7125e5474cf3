import assert from 'node:assert/strict'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { cortexAtGateway } from '../support/cortex.ts'

const SHA256 = 'ab'.repeat(32)
const KEYS = { accessKeyId: { secret: 'ID' }, secretAccessKey: { secret: 'KEY' } }

describe('what jobs bring and leave', () => {
  const at = cortexAtGateway('by environment')

  async function run(...args: string[]): Promise<string> {
    const { code, out, err } = await at.cortex.run(args)
    assert.equal(code, 0, err)
    return out.trim()
  }

  async function file(name: string, content: string): Promise<string> {
    const path = join(at.cortex.folder, name)
    await writeFile(path, content)
    return path
  }

  /** The digest of a file of this machine, which the gateway has by now. */
  async function given(): Promise<string> {
    const path = await file('rows.txt', 'b\na\n')
    const id = await run('template', 'create', 'giving', '--image', 'busybox', '--input', `${path}:/in`)
    return JSON.parse(await run('template', 'get', id, '--json')).config.inputs[0].from.upload
  }

  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: placeholders of the API
  it('of every kind is put together from the cells of a row', async () => {
    const inputs = [
      { path: '/upload', from: { upload: '${digest}' } },
      { path: '/text', from: { inline: 'for ${file}' }, mode: 'rw' },
      { path: '/url', from: { url: 'https://example.com/${file}' } },
      { path: '/checked', from: { url: 'http://example.com/${file}', sha256: '${sha256}' } },
      { path: '/s3', from: { s3: { bucket: 'rows', prefix: 'all/${file}/', ...KEYS } } },
      {
        path: '/git',
        from: {
          git: { url: 'https://example.com/${file}.git', ref: '${ref}', token: { secret: 'ID' }, submodules: true },
        },
      },
    ]
    const outputs = [
      { name: 'there', path: '/out/there', to: { url: 'https://example.com/${file}.tar?X-Amz-Signature=1' } },
      { name: 'here', path: '/out/here' },
    ]
    const base = { image: 'busybox', secrets: { ID: 'a', KEY: 'b' }, inputs, stdin: { upload: '${digest}' }, outputs }
    const digest = await given()
    const csv = `file,digest,sha256,ref\none,${digest},${SHA256},main\ntwo,${digest},${SHA256},v1\n`
    const flags = ['-f', await file('base.json', JSON.stringify(base)), '--csv', await file('rows.csv', csv)]
    const batch = await run('batch', 'submit', ...flags)
    const listed = await run('job', 'list', '--batch', batch, '--sort', 'createdAt:asc', '--json')
    const [first, second] = JSON.parse(listed) as { config: typeof base }[]
    const filled = (name: string, ref: string): unknown =>
      JSON.parse(
        JSON.stringify({ inputs, stdin: base.stdin, outputs })
          .replaceAll('${file}', name)
          .replaceAll('${digest}', digest)
          .replaceAll('${sha256}', SHA256)
          .replaceAll('${ref}', ref),
      )
    const broughtBy = ({ inputs: brought, stdin, outputs: left }: typeof base) => ({
      inputs: brought,
      stdin,
      outputs: left,
    })
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual(broughtBy(first.config), filled('one', 'main'))
    assert.deepEqual(broughtBy(second.config), filled('two', 'v1'))
  })

  it('is said by columns, too', async () => {
    const cell = (value: unknown): string => `"${JSON.stringify(value).replaceAll('"', '""')}"`
    const inputs = [{ path: '/in', from: { url: 'https://example.com/model.bin' } }]
    const outputs = [{ name: 'out', path: '/out', to: { url: 'https://example.com/out.tar' } }]
    const stdin = { inline: 'hello' }
    const rows = `inputs,outputs,stdin\n${cell(inputs)},${cell(outputs)},${cell(stdin)}\n,/out,\n`
    const base = await file('plain.json', '{ "image": "busybox" }')
    const batch = await run('batch', 'submit', '-f', base, '--csv', await file('columns.csv', rows))
    const listed = await run('job', 'list', '--batch', batch, '--sort', 'createdAt:asc', '--json')
    const [first, second] = (JSON.parse(listed) as { config: Record<string, unknown> }[]).map(({ config }) => config)
    assert.deepEqual([first?.inputs, first?.outputs, first?.stdin], [inputs, outputs, stdin])
    assert.deepEqual([second?.inputs, second?.outputs, second?.stdin], [undefined, '/out', undefined])
  })

  it('is refused with the rows whose data is not there, and by the place that is wrong', async () => {
    const base = {
      image: 'busybox',
      inputs: [
        { path: '/file', from: { url: 'https://example.com/${file}' } },
        { path: '/s3', from: { s3: { bucket: 'b', prefix: 'rows/' } } },
      ],
    }
    const csv = await file('one.csv', 'file\nx\n')
    const wrong = await at.cortex.run([
      'batch',
      'submit',
      '-f',
      await file('wrong.json', JSON.stringify(base)),
      '--csv',
      csv,
    ])
    assert.equal(wrong.code, 1)
    assert.match(wrong.err, /^1\s+inputs\[1\]\.from\.s3\.bucket\s+must be the name of a bucket/m)
    const jobs = [
      { image: 'busybox', inputs: [{ path: '/in', from: { job: 'job_01k8m3q7w9x2v5n4c6b8d0f1g3' } }] },
      { image: 'busybox', stdin: { upload: `sha256:${SHA256}` } },
    ]
    const gone = await at.cortex.run(['batch', 'submit', '-f', await file('gone.json', JSON.stringify({ jobs }))])
    assert.equal(gone.code, 1)
    assert.match(gone.err, /^1\s+inputs\[0\]\.from\.job\s+is no job of yours/m)
    assert.match(gone.err, /^2\s+stdin\.upload\s+is no upload of yours/m)
  })
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: placeholders of the API

  it('is kept in a template and a schedule, files of this machine as well', async () => {
    const folder = join(at.cortex.folder, 'data')
    await mkdir(folder)
    await writeFile(join(folder, 'a'), 'a')
    const flags = [
      ...['--input', `${folder}:/data`, '--input', 'https://example.com/model.bin:/model.bin'],
      ...['--input', 's3://rows/all/:/rows', '--input', 'git+https://example.com/code.git?submodules#main:/src'],
      ...['--output', 'out=/out', '--output-to', 'out=https://example.com/out.tar'],
    ]
    const id = await run('template', 'create', 'all', '--image', 'busybox', ...flags)
    const { config } = JSON.parse(await run('template', 'get', id, '--json'))
    const { upload } = config.inputs[0].from
    assert.match(upload, /^sha256:[0-9a-f]{64}$/)
    assert.deepEqual(
      config.inputs.slice(1).map(({ from }: { from: unknown }) => from),
      [
        { url: 'https://example.com/model.bin' },
        { s3: { bucket: 'rows', prefix: 'all/' } },
        { git: { url: 'https://example.com/code.git', ref: 'main', submodules: true } },
      ],
    )
    const job = JSON.parse(await run('job', 'get', await run('template', 'submit', id), '--json'))
    assert.deepEqual([job.config.inputs, job.config.outputs], [config.inputs, config.outputs])
    const other = await run('template', 'submit', id, '--input', `${folder}/a:/data`)
    assert.deepEqual(
      JSON.parse(await run('job', 'get', other, '--json')).config.inputs.map(({ path }: { path: string }) => path),
      ['/data'],
    )
    const schedule = await run('schedule', 'create', 'weekly', '@weekly', '--image', 'busybox', ...flags)
    const kept = JSON.parse(await run('schedule', 'get', schedule, '--json'))
    assert.deepEqual(kept.config.inputs, config.inputs)
  })
})
