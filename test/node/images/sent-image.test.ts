import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterEach, beforeEach, describe, it } from 'node:test'
import { systemClock } from '../../../node/clock.ts'
import { findSentImage } from '../../../node/inputs/sent-image.ts'
import { silentLogger } from '../../../node/logger.ts'
import { createUploads, type RunningUploads } from '../../../node/uploads/uploads.ts'
import { MAX_IMAGE_LAYERS } from '../../../protocol/limits.ts'
import { configOf, hexOf } from '../../support/image-archive.ts'

const LAYER = Buffer.alloc(1_024)

let folder: string
let uploads: RunningUploads

async function give(bytes: string | Buffer, owner = 'me') {
  const { id } = await uploads.begin({ owner, folder: false, name: '', length: null })
  const { sha256 } = await uploads.append({ owner, id, offset: 0 }, Readable.from([Buffer.from(bytes)]), true)
  return { digest: `sha256:${sha256}`, size: Buffer.byteLength(bytes), mediaType: 'x' }
}

const manifestOf = (config: object, layers: readonly object[]) => JSON.stringify({ schemaVersion: 2, config, layers })

async function find(manifest: string, owner = 'me') {
  const { digest } = await give(manifest)
  return await findSentImage(uploads, { owner, name: 'my/app:dev', digest })
}

describe('an image that was given', () => {
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cortex-sent-'))
    async function* active() {}
    const store = { active }
    uploads = createUploads({ store, clock: systemClock, logger: silentLogger, refusal: async () => null }, { folder })
    await uploads.start()
  })
  afterEach(async () => {
    await uploads.stop()
    await rm(folder, { recursive: true })
  })

  it('is found in its parts, and for what it is', async () => {
    const config = await give(configOf([LAYER, LAYER], { architecture: 'arm64' }))
    const layer = await give(LAYER)
    const manifest = manifestOf(config, [layer, layer])
    const found = await find(manifest)
    assert.ok('image' in found, JSON.stringify(found))
    assert.deepEqual(found.image, { digest: `sha256:${hexOf(manifest)}`, platforms: ['linux/arm64'] })
    const blob = { sha256: hexOf(LAYER), bytes: LAYER.length, folder: false }
    assert.deepEqual(found.sentImage.layers, [blob, blob])
  })

  it('is there for its owner alone', async () => {
    const manifest = manifestOf(await give(configOf([])), [])
    const found = await find(manifest, 'another')
    assert.ok('code' in found)
    assert.deepEqual([found.code, found.details['reason']], ['DATA_ERROR', 'upload-gone'])
  })

  const bad: Record<string, (parts: { config: object; layer: object }) => Promise<string> | string> = {
    'is no JSON': () => 'image',
    'is none': () => '{}',
    'is a list of images': () => JSON.stringify({ schemaVersion: 2, manifests: [] }),
    'is a configuration': () => configOf([]),
    'has more layers than an engine takes': ({ config, layer }) =>
      manifestOf(
        config,
        Array.from({ length: MAX_IMAGE_LAYERS + 1 }, () => layer),
      ),
    'has other layers than its configuration': ({ config }) => manifestOf(config, []),
    'says another size': ({ config, layer }) => manifestOf(config, [{ ...layer, size: 7 }]),
    'has a configuration that is none': async ({ layer }) => manifestOf(await give('[]'), [layer]),
    'has a configuration that no engine takes': async ({ layer }) =>
      manifestOf(await give(configOf([LAYER], { config: { Volumes: { '/': {} } } })), [layer]),
    'has too large a configuration': async ({ layer }) => manifestOf(await give(' '.repeat(2 ** 20 + 1)), [layer]),
    'is too large': ({ config, layer }) => manifestOf(config, [layer]) + ' '.repeat(2 ** 20),
  }
  for (const [name, make] of Object.entries(bad)) {
    it(`is refused where its manifest ${name}`, async () => {
      const found = await find(await make({ config: await give(configOf([LAYER])), layer: await give(LAYER) }))
      assert.ok('code' in found, JSON.stringify(found))
      assert.deepEqual([found.code, found.details['reason']], ['IMAGE_PULL_ERROR', 'invalid-image'])
    })
  }

  it('is refused where a part is not there', async () => {
    const layer = { digest: `sha256:${'1'.repeat(64)}`, size: 1_024, mediaType: 'x' }
    const found = await find(manifestOf(await give(configOf([LAYER])), [layer]))
    assert.ok('code' in found)
    assert.partialDeepStrictEqual(found.details, { reason: 'upload-gone', upload: layer.digest })
  })
})
