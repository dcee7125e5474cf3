import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RunsNowhere, readConfig, readManifest, readPlatforms } from '../../../node/registry/manifest.ts'

function read(config: unknown): string[] {
  const bytes = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', rootfs: { diff_ids: [] }, config }))
  return readConfig(bytes, 0, ['linux/amd64'])
}

test('a configuration is of the form that engines take', () => {
  for (const config of [
    undefined,
    null,
    {},
    { User: null, Env: null, Cmd: null, Healthcheck: null, Labels: null, Volumes: null, ExposedPorts: null },
    { User: '1:1', WorkingDir: '/a', Env: ['PATH=/bin', 'A', 'B=', '', 'C=a=b'], Cmd: 'sh -c x', Shell: ['sh'] },
    { Entrypoint: ['/x', ''], StopSignal: 'SIGTERM', Labels: { a: '' }, Volumes: { '/a': {}, b: {} }, WorkingDir: '' },
    { Healthcheck: { Test: ['CMD', 'x'], Interval: 30e9, Other: 'x' }, ExposedPorts: { '80/tcp': {} }, Hostname: '' },
  ]) {
    assert.deepEqual(read(config), [], JSON.stringify(config))
  }
})

test('one for another system is judged as such first', () => {
  const config = { config: { WorkingDir: 'C:\\\\a' }, architecture: 'amd64', os: 'windows', rootfs: { diff_ids: [] } }
  const reading = () => readConfig(Buffer.from(JSON.stringify(config)), 0, ['linux/amd64'])
  assert.throws(reading, { reason: 'wrong-architecture' })
})

test('entry 10: one of another form is no image, whatever engine it is for', () => {
  for (const config of [
    'text',
    [],
    { User: 5 },
    { User: 'a\0b' },
    { Cmd: [1, 2] },
    { Cmd: ['a\0b'] },
    { Entrypoint: {} },
    { Env: 'A=b' },
    { Env: ['A', '=b'] },
    { Env: ['A=\0'] },
    { WorkingDir: 3 },
    { WorkingDir: 'a/b' },
    { Healthcheck: 'x' },
    { Healthcheck: { Interval: '30s' } },
    { Labels: { a: 1 } },
    { ExposedPorts: ['80'] },
    { Volumes: ['/a'] },
    { Volumes: { '/': {} } },
    { Volumes: { '/a/..': {} } },
    { StopSignal: 9 },
    { Shell: 3 },
  ]) {
    assert.throws(() => read(config), { reason: 'invalid-image' }, JSON.stringify(config))
  }
})

const DIGESTS = ['a', 'b', 'c'].map((letter) => `sha256:${letter.repeat(64)}`)
const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json'

function indexOf(...platforms: unknown[]): Buffer {
  const manifests = platforms.map((platform, i) => ({ mediaType: MEDIA_TYPE, digest: DIGESTS[i], size: 9, platform }))
  return Buffer.from(JSON.stringify({ schemaVersion: 2, manifests }))
}

const AMD64 = { os: 'linux', architecture: 'amd64' }
const UNKNOWN = { os: 'unknown', architecture: 'unknown' }
const LONG = { os: 'linux', architecture: 'x'.repeat(5_000) }

test('an index of which nobody can run anything is no image, whoever reads it', () => {
  for (const platforms of [[], [UNKNOWN], [UNKNOWN, UNKNOWN], [LONG], [undefined], [{ os: 'linux' }, 7]]) {
    const index = indexOf(...platforms)
    const what = JSON.stringify(platforms).slice(0, 80)
    assert.throws(() => readPlatforms(index), RunsNowhere, what)
    assert.throws(() => readManifest(index, ['linux/amd64']), { reason: 'invalid-image' }, what)
  }
})

test('what cannot be read of one entry says nothing of the others', () => {
  for (const other of [LONG, 'text', { os: 7, architecture: 'amd64' }, { os: 'LINUX 5', architecture: 'a b' }]) {
    const index = indexOf(other, AMD64)
    const what = JSON.stringify(other).slice(0, 80)
    assert.deepEqual(readPlatforms(index), ['linux/amd64'], what)
    assert.deepEqual(readManifest(index, ['linux/amd64']), { kind: 'index', digest: DIGESTS[1] }, what)
    assert.throws(() => readManifest(index, ['linux/arm64']), { reason: 'wrong-architecture' }, what)
  }
})

test('a configuration that names no platform is no image either; one without an architecture is for any', () => {
  const config = (platform: object): Buffer => Buffer.from(JSON.stringify({ ...platform, rootfs: { diff_ids: [] } }))
  for (const platform of [UNKNOWN, { os: '', architecture: '' }, { os: 'linux', architecture: 'a b' }]) {
    const what = JSON.stringify(platform)
    assert.throws(() => readPlatforms(config(platform)), RunsNowhere, what)
    assert.throws(() => readConfig(config(platform), 0, ['linux/amd64']), { reason: 'invalid-image' }, what)
  }
  const any = config({ os: 'linux', architecture: '' })
  assert.deepEqual(readPlatforms(any), [])
  assert.deepEqual(readConfig(any, 0, ['linux/amd64']), [])
})
