import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { isSameKernel, readKernel } from '../../../provider-agent/engine/docker/kernel.ts'

const ID = '5f5f04bc-71a0-451c-ad90-752a78a9709f'
const OTHER_ID = '6f5f04bc-71a0-451c-ad90-752a78a9709f'
const VERSION = 'Linux version 6.1.0 (builder@here) #1 SMP'
const GVISOR = 'Linux version 4.4.0 #1 SMP Sun Jan 10 15:06:54 PST 2016'

describe('kernels of containers', () => {
  it('are read from what the program says of them', () => {
    assert.deepEqual(readKernel([ID, VERSION]), { bootId: ID, version: VERSION })
    assert.deepEqual(readKernel([GVISOR]), { bootId: null, version: GVISOR })
    assert.deepEqual(readKernel([]), { bootId: null, version: null })
  })

  const cases: [string, string[], boolean][] = [
    ['the machine’s own', [ID, VERSION], true],
    ['one of another start', [OTHER_ID, VERSION], false],
    ['the machine’s own, that says another version', [ID, GVISOR], true],
    ['gVisor’s, which says no start', [GVISOR], false],
    ['one that says the machine’s version and no start', [VERSION], true],
    ['one that says nothing', [], true],
  ]
  for (const [what, lines, isSame] of cases) {
    it(`${isSame ? 'no other' : 'another'}: ${what}`, () => {
      assert.equal(isSameKernel(readKernel(lines), readKernel([ID, VERSION])), isSame)
    })
  }
})
