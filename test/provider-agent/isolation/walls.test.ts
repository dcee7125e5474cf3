import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { PLAIN_WALL, parseWall, type Wall, wallsOf } from '../../../provider-agent/isolation/walls.ts'

const GVISOR: Wall = { isolation: 'gvisor', runtime: 'runsc', factorMillis: 1_200 }

describe('a class as its owner writes it', () => {
  const cases: [text: string, wall: Wall | null][] = [
    ['gvisor=runsc', { ...GVISOR, factorMillis: 1_000 }],
    ['gvisor=runsc@1.2', GVISOR],
    ['vm=io.containerd.kata.v2@2', { isolation: 'vm', runtime: 'io.containerd.kata.v2', factorMillis: 2_000 }],
    ['container=crun@0.125', { isolation: 'container', runtime: 'crun', factorMillis: 125 }],
    ['vm=kata@100', { isolation: 'vm', runtime: 'kata', factorMillis: 100_000 }],
    ['vm=kata@0.01', { isolation: 'vm', runtime: 'kata', factorMillis: 10 }],
    ...[
      'vm=kata@0',
      'vm=kata@0.009',
      'vm=kata@100.001',
      'vm=kata@1.2345',
      'vm=kata@',
      'vm=kata@-1',
      'vm=',
      'vm',
      'sandbox=runsc',
      'gvisor=run sc',
    ].map((text): [string, null] => [text, null]),
  ]
  for (const [text, wall] of cases) it(text, () => assert.deepEqual(parseWall(text), wall))
})

describe('all that is sold, the default first', () => {
  const cases: [name: string, runtime: string | undefined, walls: Wall[], sold: Wall[]][] = [
    ['nothing said', undefined, [], [PLAIN_WALL]],
    ['one beside containers', undefined, [GVISOR], [PLAIN_WALL, GVISOR]],
    ['a runtime alone, by its name', 'runsc', [], [{ ...GVISOR, factorMillis: 1_000 }]],
    [
      'a runtime alone of virtual machines',
      'kata-qemu',
      [],
      [{ ...PLAIN_WALL, isolation: 'vm', runtime: 'kata-qemu' }],
    ],
    ['a runtime alone that has another name', 'crun', [], [{ ...PLAIN_WALL, runtime: 'crun' }]],
    ['a runtime that is named by class', 'runsc', [GVISOR], [GVISOR]],
    [
      'a runtime of an odd name that is named by class',
      'strong',
      [{ ...GVISOR, runtime: 'strong' }],
      [{ ...GVISOR, runtime: 'strong' }],
    ],
    ['a runtime and another class', 'crun', [GVISOR], [{ ...PLAIN_WALL, runtime: 'crun' }, GVISOR]],
    [
      'containers at a price of their own',
      undefined,
      [GVISOR, { ...PLAIN_WALL, runtime: 'runc', factorMillis: 900 }],
      [{ ...PLAIN_WALL, runtime: 'runc', factorMillis: 900 }, GVISOR],
    ],
  ]
  for (const [name, runtime, walls, sold] of cases) it(name, () => assert.deepEqual(wallsOf(runtime, walls), sold))

  it('no class has two runtimes', () => {
    assert.throws(() => wallsOf('runsc-kvm', [GVISOR]), /gvisor would run under runsc-kvm or runsc/)
  })
})
