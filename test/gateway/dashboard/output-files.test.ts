import assert from 'node:assert/strict'
import { buffer } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { pack } from 'tar-stream'
import { listFiles, MAX_LISTED, nameOf } from '../../../gateway/dashboard/src/jobs/page/output-files.ts'

const LONG = `out/${'deep/'.repeat(60)}file.txt`

/** Bytes that come at a time. */
const CHUNK = 10_000

/** A tar as a container leaves it. */
async function tarOf(entries: [name: string, content: string | null][]): Promise<ReadableStream<Uint8Array>> {
  const tar = pack()
  for (const [name, content] of entries) {
    if (content === null) tar.entry({ name, type: 'directory' })
    else tar.entry({ name, mtime: new Date(1_000) }, content)
  }
  tar.finalize()
  const bytes = await buffer(tar)
  let at = 0
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) controller.close()
      else controller.enqueue(Uint8Array.from(bytes.subarray(at, at + CHUNK)))
      at += CHUNK
    },
  })
}

describe('the files of an output', () => {
  const entries: [string, string | null][] = [
    ['out', null],
    ['out/a.txt', 'hello'],
    ['out/big', 'x'.repeat(300_000)],
    [LONG, 'far'],
    ['out/<b>.html', ''],
  ]

  it('are listed with their sizes, without their folders', async () => {
    const { files, isCut } = await listFiles(await tarOf(entries))
    assert.equal(isCut, false)
    assert.deepEqual(files, [
      { path: 'out/a.txt', bytes: 5, modifiedMs: 1_000 },
      { path: 'out/big', bytes: 300_000, modifiedMs: 1_000 },
      { path: LONG, bytes: 3, modifiedMs: 1_000 },
      { path: 'out/<b>.html', bytes: 0, modifiedMs: 1_000 },
    ])
  })

  it('are listed so far, where there are many', async () => {
    const many = Array.from({ length: MAX_LISTED + 5 }, (_, i): [string, string] => [`out/${i}`, 'x'])
    const { files, isCut } = await listFiles(await tarOf(many))
    assert.equal(isCut, true)
    assert.equal(files.length, MAX_LISTED)
  })

  it('fail where the connection breaks', async () => {
    const broken = (await tarOf(entries)).pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          controller.enqueue(chunk.subarray(0, 1_000))
          controller.error(new Error('cut'))
        },
      }),
    )
    await assert.rejects(listFiles(broken), /cut/)
  })

  it('are saved by their last name', () => {
    assert.deepEqual(['out/a.txt', 'a', 'out/dir/', '///'].map(nameOf), ['a.txt', 'a', 'dir', 'file'])
  })
})
