import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseReference } from '../../../provider-agent/engine/reference.ts'

const digest = `sha256:${'0123456789abcdef'.repeat(4)}`

test('a reference is read as docker pull reads it', () => {
  const cases: [string, string, string][] = [
    ['busybox', 'busybox', 'latest'],
    ['busybox:1.36', 'busybox', '1.36'],
    ['library/busybox:1.36-musl_2', 'library/busybox', '1.36-musl_2'],
    ['localhost:5000/a', 'localhost:5000/a', 'latest'],
    ['127.0.0.1:5000/a/b-c__d.e:v1', '127.0.0.1:5000/a/b-c__d.e', 'v1'],
    ['Registry.Example.com/a:B', 'Registry.Example.com/a', 'B'],
    [`a/b@${digest}`, 'a/b', digest],
    [`a/b:1@${digest}`, 'a/b', digest],
    ['cafe', 'cafe', 'latest'],
  ]
  for (const [image, repository, tagOrDigest] of cases) {
    const full = `${repository}${tagOrDigest === digest ? '@' : ':'}${tagOrDigest}`
    assert.deepEqual(parseReference(image), { repository, tagOrDigest, full }, image)
  }
})

test('what is no reference is refused before the engine sees it', () => {
  const cases = [
    '',
    'A',
    'a b',
    'a:',
    'a/',
    '/a',
    'a//b',
    'a/../b',
    '../containers/x/json?a',
    'a?all=1#',
    'a%2fb',
    'a:tag/json',
    '-a',
    'a\n',
    'a@sha256:123',
    'ä',
    'a'.repeat(600),
    `${'a-'.repeat(250)}A`,
  ]
  for (const image of cases) {
    const expected = { code: 'IMAGE_PULL_ERROR', message: /^image / }
    assert.throws(() => parseReference(image), expected, JSON.stringify(image))
  }
})
