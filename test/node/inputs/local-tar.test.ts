import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { extract } from 'tar-stream'
import { digestOfInput, localInput } from '../../../node/inputs/local-tar.ts'

describe('a folder as a job brings it', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-local-tar-'))
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  it('has its entries in one order, small files and large ones, more than are looked at ahead', async () => {
    await mkdir(join(folder, 'sub'))
    const wanted: Record<string, number> = {}
    for (let i = 0; i < 50; i += 1) wanted[`${i % 2 === 0 ? '' : 'sub/'}file-${i}`] = i % 9 === 0 ? 200_000 + i : i * 7
    for (const [name, bytes] of Object.entries(wanted)) await writeFile(join(folder, name), Buffer.alloc(bytes, name))
    await symlink('file-2', join(folder, 'link'))
    const input = await localInput(folder)
    const unpack = extract()
    input.open().pipe(unpack as unknown as NodeJS.WritableStream)
    const found: string[] = []
    for await (const entry of unpack) {
      const { name, type } = entry.header
      const content = await buffer(entry)
      if (type === 'file') assert.ok(content.equals(Buffer.alloc(wanted[name] ?? -1, name)), name)
      found.push(name)
    }
    const inFolder = (prefix: string): string[] =>
      Object.keys(wanted).filter((name) => name.includes('/') === (prefix !== ''))
    const own = [...inFolder(''), 'link', 'sub/']
      .toSorted()
      .flatMap((name) => (name === 'sub/' ? [name, ...inFolder('sub/').toSorted()] : [name]))
    assert.deepEqual(found, ['./', ...own])
    const again = await digestOfInput(await localInput(folder))
    assert.deepEqual(await digestOfInput(input), again)
  })

  it('ends with what the disk says of a file that cannot be read', async () => {
    for (let i = 0; i < 300; i += 1) await writeFile(join(folder, `file-${i}`), 'x')
    const tar = (await localInput(folder)).open()
    // The last one, gone before its turn.
    const reading = (async () => {
      for await (const _ of tar) await rm(join(folder, 'file-99'), { force: true })
    })()
    await assert.rejects(reading, { code: 'ENOENT' })
  })
})
