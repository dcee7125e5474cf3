/** What earlier jobs left, made into what later ones bring. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { type Header, pack } from 'tar-stream'
import { systemClock } from '../../../node/clock.ts'
import { createLeftOutputs, type LeftOutputs } from '../../../node/inputs/left-outputs.ts'
import { createInputs } from '../../../node/inputs/resolve.ts'
import { silentLogger } from '../../../node/logger.ts'
import type { JobOutput } from '../../../node/outputs/index.ts'
import { createOutputFolder, type OutputFolder } from '../../../node/outputs/kept/output-folder.ts'
import type { JobRecord } from '../../../node/store/index.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { createUploads, type RunningUploads, type UploadsInit } from '../../../node/uploads/uploads.ts'
import type { BlobSource } from '../../../protocol/job-inputs.ts'
import { folderTar } from '../../../provider-agent/inputs/input-tar.ts'

const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'
const OTHER = 'job_01k8m3q7w9x2v5n4c6b8d0f1g4'
const never = new AbortController().signal

type Entry = Partial<Header> & { name: string; text?: string }

const FOLDER: Entry[] = [
  { name: 'out/', type: 'directory', mode: 0o711 },
  { name: 'out/beside', text: 'beside the folder' },
  { name: 'out/run', text: '#!/bin/sh', mode: 0o4755, uid: 1_000 },
  { name: 'out/empty', text: '' },
  { name: 'out/deep/', type: 'directory' },
  { name: 'out/deep/file', text: 'x'.repeat(100_000), mtime: new Date(1_000_000_000_000) },
  { name: 'out/deep/none', text: 'n', mode: 0o100000 },
  { name: 'out/deep/same', type: 'link', linkname: 'out/deep/file' },
  { name: 'out/deep/outside', type: 'link', linkname: 'out/beside' },
  { name: 'out/deep/again', type: 'link', linkname: 'out/beside' },
  { name: 'out/deep/up', type: 'symlink', linkname: '../run' },
  { name: 'out/latest', type: 'symlink', linkname: 'deep' },
  { name: 'out/latest/behind', text: 'no container leaves this' },
]

describe('what earlier jobs left', () => {
  let folder: string
  let kept: OutputFolder
  let uploads: RunningUploads
  let left: LeftOutputs
  let jobs: Map<string, JobRecord>
  let listeners: Set<() => void>

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-left-'))
    jobs = new Map()
    listeners = new Set()
    kept = createOutputFolder(join(folder, 'outputs'))
    await kept.make()
    await start()
  })
  afterEach(async () => {
    await uploads.stop()
    await rm(folder, { recursive: true })
  })

  async function start(init: Partial<UploadsInit> = {}): Promise<void> {
    const active = async function* () {} as never
    const components = { store: { active }, clock: systemClock, logger: silentLogger, refusal: async () => null }
    uploads = createUploads(components, { folder: join(folder, 'uploads'), ...init })
    await uploads.start()
    const store = {
      get: async (id: string) => jobs.get(id),
      onChange(_id: string, changed: () => void) {
        listeners.add(changed)
        return () => void listeners.delete(changed)
      },
    }
    left = createLeftOutputs({ store, outputs: kept, uploads })
  }

  function has(id: string, fields: Record<string, unknown> = {}): void {
    const output: JobOutput = { state: 'kept', bytes: 1, message: '' }
    const state = { status: 'completed' }
    jobs.set(id, { id, owner: 'me', spec: { outputs: '/data/out' }, state, output, ...fields } as never)
    for (const changed of [...listeners]) changed()
  }

  async function keeps(id: string, entries: Entry[], fields: Record<string, unknown> = {}): Promise<void> {
    const tar = pack()
    for (const { text = '', ...header } of entries) tar.entry(header, text)
    tar.finalize()
    await writeFile(join(folder, 'outputs', `${id}.tar`), await buffer(tar))
    has(id, fields)
  }

  const blobOf = async (path?: string, signal = never): Promise<BlobSource | string> =>
    await left.blobOf('me', { job: JOB, path }, signal)

  async function bytesOf(blob: BlobSource | string): Promise<Buffer> {
    assert.ok(typeof blob !== 'string', JSON.stringify(blob))
    const found = await uploads.open({ owner: 'me' } as JobRecord, blob.sha256, 0)
    return found === null ? assert.fail('it is no upload') : await buffer(found.stream)
  }

  /** What is in a folder's tar, once it was let through by what its provider checks. */
  async function entriesIn(blob: BlobSource | string): Promise<Record<string, unknown>> {
    assert.ok(typeof blob !== 'string' && blob.folder, JSON.stringify(blob))
    const path = join(folder, 'folder.tar')
    await writeFile(path, await bytesOf(blob))
    await buffer(folderTar(path, '/in').tar)
    const found: Record<string, unknown> = {}
    for await (const entry of entriesOf(Readable.from([await bytesOf(blob)]))) {
      const { name, type, mode = 0, uid, linkname, mtime } = entry.header
      const text = (await buffer(entry)).toString()
      assert.equal(uid, 0, name)
      const what = type === 'file' ? text : type === 'directory' ? '' : `${type} to ${linkname}`
      found[name] = [(mode & 0o7777).toString(8), what.slice(0, 20)]
      if (name.endsWith('file')) assert.equal(mtime?.getTime(), 1_000_000_000_000)
    }
    return found
  }

  it('are a folder where the output was one, without its own name, and the same each time', async () => {
    await keeps(JOB, FOLDER)
    const blob = await blobOf()
    assert.deepEqual(await entriesIn(blob), {
      './': ['711', ''],
      beside: ['644', 'beside the folder'],
      run: ['755', '#!/bin/sh'],
      empty: ['644', ''],
      'deep/': ['755', ''],
      'deep/file': ['644', 'x'.repeat(20)],
      'deep/none': ['0', 'n'],
      'deep/same': ['644', 'link to deep/file'],
      'deep/outside': ['644', 'link to beside'],
      'deep/again': ['644', 'link to beside'],
      'deep/up': ['644', 'symlink to ../run'],
      latest: ['644', 'symlink to deep'],
    })
    const [upload] = uploads.list('me')
    assert.equal(upload?.name, `${JOB}/out`)
    assert.deepEqual(await blobOf(), blob)
    assert.equal(uploads.list('me')[0]?.id, upload?.id, 'nothing is made twice')
    await uploads.stop()
    await start()
    assert.deepEqual(await blobOf(), blob, 'it comes to the same in another process')
    assert.equal(uploads.list('me').length, 1)
    assert.equal(await uploads.remove('me', uploads.list('me')[0]?.id ?? ''), true)
    assert.deepEqual(await blobOf(), blob, 'what somebody deleted is made again')
  })

  it('are a part of it by its path, links followed; what is the same as a file beside it is a file of its own', async () => {
    await keeps(JOB, FOLDER)
    const deep = await blobOf('out/deep')
    assert.deepEqual(await entriesIn(deep), {
      './': ['755', ''],
      file: ['644', 'x'.repeat(20)],
      none: ['0', 'n'],
      same: ['644', 'link to file'],
      outside: ['644', 'beside the folder'],
      again: ['644', 'link to outside'],
      up: ['644', 'symlink to ../run'],
    })
    assert.deepEqual(await blobOf('out/latest'), deep)
    for (const [path, text] of [
      ['out/deep/file', 'x'.repeat(100_000)],
      ['out/empty', ''],
      ['out/deep/again', 'beside the folder'],
      ['out/deep/up', '#!/bin/sh'],
    ] as const) {
      const blob = await blobOf(path)
      assert.ok(typeof blob !== 'string' && !blob.folder, path)
      assert.equal((await bytesOf(blob)).toString(), text, path)
    }
  })

  it('are a file where the output was one', async () => {
    await keeps(JOB, [{ name: 'out', text: 'the whole of it' }])
    assert.equal((await bytesOf(await blobOf())).toString(), 'the whole of it')
    assert.equal(await blobOf('out/x'), 'has no out/x in its output')
  })

  it('are not there where there is no such job, it is another owner’s, names none, goes on, or lost them', async () => {
    assert.equal(await blobOf(), 'is no job of yours')
    await keeps(JOB, FOLDER, { owner: 'other' })
    assert.equal(await blobOf(), 'is no job of yours', 'the very same words')
    has(JOB, { spec: {} })
    assert.equal(await blobOf(), 'names no outputs')
    has(JOB, { state: { status: 'running' } })
    assert.match(String(await blobOf()), /has not ended/)
    has(JOB, { output: { state: 'lost', bytes: 0, message: 'The outputs gave way to newer ones' } })
    assert.equal(await blobOf(), 'has no output: The outputs gave way to newer ones')
    has(JOB, { output: undefined })
    assert.equal(await blobOf(), 'left no output')
    has(OTHER)
    assert.equal(typeof (await left.blobOf('me', { job: OTHER }, never)), 'string', 'its tar is gone')
    await writeFile(join(folder, 'outputs', `${OTHER}.tar`), Buffer.alloc(4_096, 'x'))
    assert.match(String(await left.blobOf('me', { job: OTHER }, never)), /cannot be read/)
    for (const path of ['nothing', 'ou', 'out/dee', '../out', '/out', 'out/latest/behind/x']) {
      await keeps(JOB, FOLDER)
      assert.equal(await blobOf(path), `has no ${path} in its output`)
    }
    assert.deepEqual(uploads.list('me'), [])
  })

  it('are waited for while they are on their way, as long as the job waits for a provider', async () => {
    const waiting: JobOutput = { state: 'waiting', bytes: 1, message: '' }
    has(JOB, { output: waiting })
    const found = blobOf('out/empty')
    await keeps(JOB, FOLDER)
    assert.equal((await bytesOf(await found)).length, 0)
    has(JOB, { output: waiting })
    const inputs = createInputs({ uploads, left, clock: systemClock })
    const spec = { inputs: [{ path: '/in', from: { job: JOB } }], queueTimeout: 0.01 }
    const failed = await inputs.resolve({ owner: 'me', spec } as JobRecord, never)
    assert.ok('code' in failed)
    assert.deepEqual([failed.code, failed.details['reason']], ['DATA_ERROR', 'output-gone'])
    assert.match(failed.message, /^job_\w+ has an output that is still on its way.* \(\/in\)\.$/)
    await assert.rejects(
      inputs.resolve({ owner: 'me', spec } as JobRecord, AbortSignal.abort(new Error('stop'))),
      /stop/,
    )
  })

  it('leave nothing behind where there is no room for them', async () => {
    await uploads.stop()
    await start({ maxOwnerBytes: 50_000 })
    await keeps(JOB, FOLDER)
    assert.match(String(await blobOf()), /did not become an upload: Uploads of one owner may take/)
    assert.deepEqual(uploads.list('me'), [])
    assert.deepEqual(await readdir(join(folder, 'uploads')), [])
    assert.equal((await bytesOf(await blobOf('out/beside'))).toString(), 'beside the folder')
  })

  it('are a file for a standard input, and no folder', async () => {
    await keeps(JOB, FOLDER)
    const inputs = createInputs({ uploads, left, clock: systemClock })
    const asked = async (path: string) =>
      await inputs.resolve({ owner: 'me', spec: { stdin: { job: JOB, path }, queueTimeout: 60 } } as JobRecord, never)
    const [stdin] = (await asked('out/run')) as { stdin?: boolean; blob: BlobSource }[]
    assert.deepEqual([stdin?.stdin, stdin?.blob.bytes], [true, 9])
    const failed = await asked('out/deep')
    assert.ok('code' in failed && failed.details['reason'] === 'unsafe-archive', JSON.stringify(failed))
  })
})
