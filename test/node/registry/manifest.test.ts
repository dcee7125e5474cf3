import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../node/registry/manifest.ts'

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
