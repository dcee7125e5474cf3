import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { gzipSync } from 'node:zlib'
import { ImageArchiveError, readImageArchive } from '../../../node/images/read-archive.ts'
import { readManifest } from '../../../node/registry/manifest.ts'
import { configOf, dockerArchive, hexOf, ociArchive, tarOfFiles } from '../../support/image-archive.ts'

let folder: string
const read = async (bytes: Buffer, wanted?: string) => await readImageArchive(Readable.from([bytes]), folder, wanted)

describe('an image that was saved', () => {
  let layers: Buffer[]
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-archive-'))
    const base = await tarOfFiles({ 'etc/base': 'base' })
    layers = [base, await tarOfFiles({ 'app/run': 'one' }), base]
  })
  afterEach(async () => await rm(folder, { recursive: true }))

  for (const [layout, archive] of Object.entries({ Docker: dockerArchive, OCI: ociArchive })) {
    it(`is read in the layout of ${layout}, its parts as they are`, async () => {
      const image = await read(await archive('my/app:dev', layers))
      assert.equal(image.name, 'my/app:dev')
      assert.deepEqual(
        image.layers.map(({ digest, bytes }) => ({ digest, bytes })),
        layers.map((layer) => ({ digest: `sha256:${hexOf(layer)}`, bytes: layer.length })),
      )
      assert.equal(image.config.digest, `sha256:${hexOf(configOf(layers))}`)
      const parts = [image.manifest, image.config, ...image.layers]
      for (const { digest, path } of parts) assert.equal(`sha256:${hexOf(await readFile(path))}`, digest)
      const manifest = readManifest(await readFile(image.manifest.path), [])
      assert.ok(manifest.kind === 'image')
      assert.deepEqual(
        [manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)],
        [image.config.digest, ...image.layers.map(({ digest }) => digest)],
      )
    })
  }

  it('has the same manifest whenever it is saved, and another once a layer is', async () => {
    const first = await read(await dockerArchive('a:1', layers))
    const again = await read(await dockerArchive('b:2', layers))
    assert.equal(again.manifest.digest, first.manifest.digest)
    const other = await read(await dockerArchive('a:1', [...layers, await tarOfFiles({ new: '' })]))
    assert.notEqual(other.manifest.digest, first.manifest.digest)
  })

  it('keeps layers that are packed, and says how', async () => {
    const packed = layers.map((layer) => gzipSync(layer))
    const image = await read(await dockerArchive('a:1', packed, configOf(layers)))
    assert.match(await readFile(image.manifest.path, 'utf8'), /layer\.v1\.tar\+gzip/)
  })

  it('is chosen by its name where there are several', async () => {
    const config = configOf(layers)
    const image = (name: string) => ({ Config: 'c.json', RepoTags: [name], Layers: ['0.tar', '1.tar', '0.tar'] })
    const list = JSON.stringify([image('a:latest'), image('b:2')])
    const files = {
      '0.tar': layers[0] as Buffer,
      '1.tar': layers[1] as Buffer,
      'c.json': config,
      'manifest.json': list,
    }
    const tar = await tarOfFiles(files)
    assert.equal((await read(tar, 'b:2')).name, 'b:2')
    assert.equal((await read(tar, 'a')).name, 'a:latest')
    await assert.rejects(read(tar), /2 images: a:latest, b:2/)
  })

  const manifest = (value: unknown) => ({ 'manifest.json': JSON.stringify(value), 'c.json': '{}' })
  const bad: Record<string, () => Promise<Buffer>> = {
    'no tar': async () => Buffer.alloc(4_096, 'x'),
    'half of one': async () => (await dockerArchive('a:1', layers)).subarray(0, 2_000),
    'a tar of something else': async () => await tarOfFiles({ 'readme.md': 'hello' }),
    'a list that is none': async () => await tarOfFiles({ 'manifest.json': '[' }),
    'a layer that is not there': async () =>
      await tarOfFiles(manifest([{ Config: 'c.json', Layers: ['../../etc/shadow'] }])),
    'a million layers': async () =>
      await tarOfFiles(manifest([{ Config: 'c.json', Layers: Array.from({ length: 10_000 }, () => 'c.json') }])),
    'links in a circle': async () =>
      await tarOfFiles({ ...manifest([{ Config: 'c.json', Layers: ['a'] }]), a: { link: 'b' }, b: { link: 'a' } }),
    'a link to the machine’s own files': async () =>
      await tarOfFiles({ ...manifest([{ Config: 'c.json', Layers: ['a'] }]), a: { link: '/etc/passwd' } }),
    'a list of more than a MiB': async () => await tarOfFiles({ 'manifest.json': ' '.repeat(2 ** 20 + 1) }),
    'a name of a MiB': async () => await tarOfFiles({ ['x'.repeat(2 ** 20)]: '' }),
    'too many entries': async () =>
      await tarOfFiles(Object.fromEntries(Array.from({ length: 4_100 }, (_, i) => [`f${i}`, { link: 'x' }]))),
  }
  for (const [name, make] of Object.entries(bad)) {
    it(`is refused where it is ${name}`, async () => {
      await assert.rejects(read(await make()), ImageArchiveError)
    })
  }

  it('is refused where a blob is not what its name says', async () => {
    const files = { 'index.json': JSON.stringify({ manifests: [{ digest: `sha256:${'0'.repeat(64)}` }] }) }
    const tar = await tarOfFiles({ ...files, [`blobs/sha256/${'0'.repeat(64)}`]: '{}' })
    await assert.rejects(read(tar), ImageArchiveError)
  })
})
