import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { imageAllowed } from '../../../provider-agent/images/rules.ts'

const CASES: [image: string, allow: string[], deny: string[], allowed: boolean][] = [
  ['busybox', [], [], true],
  ['busybox', ['busybox'], [], true],
  ['busybox:1', ['busybox'], [], false],
  ['busybox:1', ['busybox*'], [], true],
  ['registry.example/team/app:1', ['registry.example/*:1'], [], true],
  ['registry.example/team/app:2', ['registry.example/*:1'], [], false],
  ['aXbXc', ['a*b*c'], [], true],
  ['ac', ['a*b*c'], [], false],
  ['ab', ['ab*b'], [], false],
  ['abb', ['ab*b'], [], true],
  ['anything', ['*'], [], true],
  ['anything', ['**'], ['*thing'], false],
  ['evil', ['evil'], ['evil'], false],
  ['a.b', ['a?b', 'a.c'], [], false],
]

describe('image rules', () => {
  for (const [image, allowImages, denyImages, allowed] of CASES) {
    it(`${allowed ? 'allows' : 'refuses'} ${image} with +[${allowImages}] -[${denyImages}]`, () => {
      assert.equal(imageAllowed(image, { allowImages, denyImages }), allowed)
    })
  }

  it('takes linear time for a pattern made to be slow', () => {
    const image = 'a'.repeat(50_000)
    assert.equal(imageAllowed(image, { allowImages: [`${'*a'.repeat(2_000)}*b`], denyImages: [] }), false)
  })
})
