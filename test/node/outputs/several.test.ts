/** Several outputs of a job in one archive: each under its name, and apart again. */

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { type Header, pack } from 'tar-stream'
import { oneOfSeveral } from '../../../node/outputs/one-of-several.ts'
import { createSieve } from '../../../node/outputs/sift.ts'
import { entriesOf } from '../../../node/tar-entries.ts'
import { tarOf } from '../../../node/tar-of.ts'

type Entry = Partial<Header> & { name: string; text?: string }

const JOB = 'job_01k8m3q7w9x2v5n4c6b8d0f1g3'

async function archive(entries: Entry[]): Promise<Buffer> {
  const tar = pack()
  for (const { text = '', ...header } of entries) tar.entry(header, text)
  tar.finalize()
  return await buffer(tar)
}

async function listed(tar: Buffer): Promise<[name: string, what: string][]> {
  const found: [string, string][] = []
  for await (const entry of entriesOf(Readable.from([tar]))) {
    const { name, type, linkname } = entry.header
    const text = (await buffer(entry)).toString()
    found.push([name, type === 'file' ? text : type === 'directory' ? '' : `${type} ${linkname}`])
  }
  return found
}

const keeping = (tar: Buffer) => ({
  async open(_job: string, part: { offset: number; length: number } = { offset: 0, length: tar.length }) {
    const bytes = tar.subarray(part.offset, part.offset + part.length)
    return { bytes: tar.length, stream: Readable.from([bytes]) }
  },
})

const LONG = 'n'.repeat(200)

const OUT: Entry[] = [
  { name: 'out/', type: 'directory' },
  { name: 'out/file', text: 'the file' },
  { name: 'out/deep/', type: 'directory' },
  { name: 'out/deep/same', type: 'link', linkname: 'out/file' },
  { name: 'out/deep/up', type: 'symlink', linkname: '../file' },
  { name: 'out/deep/over', type: 'symlink', linkname: '../../out/file' },
  { name: 'out/deep/itself', type: 'symlink', linkname: '../../out/deep' },
  { name: 'out/away', type: 'symlink', linkname: '../../etc/passwd' },
  { name: 'out/pipe', type: 'fifo' },
  { name: 'outside', text: 'beside it' },
]

async function several(maxBytes?: number) {
  const sieve = createSieve(maxBytes === undefined ? {} : { maxBytes })
  const tars = [
    await archive(OUT),
    await archive([{ name: 'out', text: 'another of that name' }]),
    await archive([
      { name: `${LONG}/`, type: 'directory' },
      { name: `${LONG}/${LONG}`, text: 'long' },
    ]),
  ]
  const tar = await buffer(
    tarOf(async (out) => {
      await sieve.pass(Readable.from([tars[0]]), out, ['out'], 'results')
      await sieve.pass(Readable.from([tars[1]]), out, ['out'], 'out')
      await sieve.pass(Readable.from([tars[2]]), out, [LONG], 'l')
    }),
  )
  return { tar, leftOut: sieve.leftOut(), counts: sieve.counts }
}

const RESULTS = [
  ['results/', ''],
  ['results/file', 'the file'],
  ['results/deep/', ''],
  ['results/deep/same', 'link results/file'],
  ['results/deep/up', 'symlink ../file'],
  ['results/deep/over', 'symlink ../file'],
  ['results/deep/itself', 'symlink .'],
]

describe('several outputs of a job', () => {
  it('stand in one archive, each under its name, with what their links lead to', async () => {
    const { tar, leftOut, counts } = await several()
    assert.deepEqual(await listed(tar), [
      ...RESULTS,
      ['out', 'another of that name'],
      ['l/', ''],
      [`l/${LONG}`, 'long'],
    ])
    assert.deepEqual(leftOut, [
      { path: 'results/away', reason: 'links out of the folder' },
      { path: 'results/pipe', reason: 'is a pipe' },
      { path: 'outside', reason: 'lies beside out' },
    ])
    assert.deepEqual(counts, { entries: 10, files: 7, bytes: 32 })
  })

  it('share their bounds', async () => {
    const { tar, leftOut } = await several(10)
    assert.ok(!(await listed(tar)).some(([name]) => name === 'out'))
    assert.ok(leftOut.some(({ path, reason }) => path === 'out' && /larger/.test(reason)))
  })

  it('come apart again, each a tar of its own', async () => {
    const kept = keeping((await several()).tar)
    for (const [name, entries] of [
      ['results', RESULTS],
      ['out', [['out', 'another of that name']]],
      [
        'l',
        [
          ['l/', ''],
          [`l/${LONG}`, 'long'],
        ],
      ],
    ] as const) {
      const one = await oneOfSeveral(kept, JOB, name)
      assert.ok(one !== null, name)
      const read = async (offset: number, length: number) => {
        const stream = await one.open({ offset, length })
        return stream === null ? null : await buffer(stream)
      }
      const bytes = await read(0, one.bytes)
      assert.ok(bytes !== null)
      assert.equal(bytes.length, one.bytes, 'as many as it said')
      for (const [from, to] of [
        [0, 1],
        [511, 513],
        [1, one.bytes - 1_025],
        [one.bytes - 1_025, one.bytes],
        [one.bytes - 1_024, one.bytes - 1],
        [one.bytes - 1, one.bytes],
      ] as const) {
        assert.deepEqual(await read(from, to - from), bytes.subarray(from, to), `${name} ${from} ${to}`)
      }
      assert.deepEqual(await listed(bytes), entries)
    }
    for (const name of ['result', 'ou', '', 'l/', '..', 'results/file/x']) {
      assert.equal(await oneOfSeveral(kept, JOB, name), null, name)
    }
    assert.equal(await oneOfSeveral({ open: async () => null }, JOB, 'out'), null)
  })
})
