import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { ContainerExit } from '../../../provider-agent/engine/index.ts'
import { endedFromOutside } from '../../../provider-agent/lease/ended-outside.ts'

const exit = { oomKilled: false, startedAtMs: 0, finishedAtMs: 1 }

describe('an end from outside', () => {
  const cases: [
    what: string,
    exit: Partial<ContainerExit> & { exitCode: number },
    isUnseen: boolean,
    expected: boolean,
  ][] = [
    ['the engine says so', { exitCode: 0, fromOutside: true }, false, true],
    ['the engine came back, and could learn nothing of it', { exitCode: 255, unseen: true }, true, true],
    ['a program that ends with 255 by itself', { exitCode: 255 }, false, false],
    ['one that did while only the agent was away', { exitCode: 255 }, true, false],
    ['one that ended by itself while the engine was away', { exitCode: 3, unseen: true }, true, false],
    ['killed while nobody looked', { exitCode: 137 }, true, true],
    ['killed by itself', { exitCode: 137 }, false, false],
    ['out of memory while nobody looked', { exitCode: 137, oomKilled: true }, true, false],
  ]
  for (const [what, ended, isUnseen, expected] of cases) {
    it(`${expected ? 'is' : 'is not'}: ${what}`, () => {
      assert.equal(endedFromOutside({ ...exit, ...ended }, isUnseen), expected)
    })
  }
})
