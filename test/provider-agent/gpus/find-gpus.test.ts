/**
 * No GPU was at hand: the files in `fixtures` are of the shape that several releases of the tools print, after their
 * manuals and public reports, cut down to what is read and what stands around it.
 */

import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { describe, it } from 'node:test'
import { type FindComponents, findGpus } from '../../../provider-agent/gpus/find-gpus.ts'
import { LOST } from '../../../provider-agent/gpus/gpu.ts'
import { parseMigList } from '../../../provider-agent/gpus/nvidia.ts'
import type { ToolAnswer } from '../../../provider-agent/gpus/tool.ts'
import { A100 } from '../../support/gpus.ts'

const GIB = 2 ** 30
const WELL = null

/** A machine whose tools print these files; a name ends in `!` where the tool fails. */
function machineOf(prints: Record<string, string>, change: Partial<FindComponents> = {}): FindComponents {
  return {
    async run(name, args): Promise<ToolAnswer> {
      const file = prints[[name, ...args].join(' ')]
      if (file === '!') return { status: 'failed', said: 'it says “no driver”' }
      if (file !== undefined) return { status: 'ok', text: await fixture(file) }
      const isThere = Object.keys(prints).some((line) => line.startsWith(name))
      return isThere ? { status: 'failed', said: 'it ended with 1' } : { status: 'missing' }
    },
    busIds: async () => [],
    renderNode: async (busId) => `renderD${128 + Number.parseInt(busId.slice(5, 7), 16)}`,
    groupOf: async (file) => (file === '/dev/kfd' ? 109 : 44),
    controllers: async () => [],
    ...change,
  }
}

async function fixture(name: string): Promise<string> {
  return await readFile(new URL(`fixtures/${name}`, import.meta.url), 'utf8')
}

const XML = 'nvidia-smi -x -q'
const COMPUTE = 'nvidia-smi --query-gpu=uuid,compute_cap --format=csv,noheader'
const ROCM = 'rocm-smi --showproductname --showmeminfo vram --showbus --showdriverversion --json'

/** Of each: model, GiB, driver, runtime, compute, interconnect, what is wrong with it. */
type Seen = [string, number, string, string, string, string, null | RegExp]

const machines: { what: string; prints: Record<string, string>; seen: Seen[] }[] = [
  {
    what: 'NVIDIA, driver 418: double-bit errors, and pages to be retired',
    prints: { [XML]: 'nvidia-418.xml' },
    seen: [
      ['Tesla P100-PCIE-16GB', 15.9, '418.87.01', '10.1', '', 'pcie', /2 uncorrectable ECC errors/],
      ['Tesla K80', 11.2, '418.87.01', '10.1', '', 'pcie', /taken out of use/],
    ],
  },
  {
    what: 'NVIDIA, driver 470: too hot by its limit, and by its own word',
    prints: { [XML]: 'nvidia-470.xml' },
    seen: [
      ['Tesla T4', 14.8, '470.103.01', '11.4', '', 'pcie', WELL],
      ['Tesla T4', 14.8, '470.103.01', '11.4', '', 'pcie', /too hot \(94 C\)/],
      ['Tesla T4', 14.8, '470.103.01', '11.4', '', 'pcie', /too hot \(70 C\)/],
    ],
  },
  {
    what: 'NVIDIA, driver 535: a card in parts',
    prints: { [XML]: 'nvidia-535-mig.xml', 'nvidia-smi -L': 'nvidia-535-mig-list.txt' },
    seen: [
      ['NVIDIA A100-SXM4-40GB', 19.5, '535.129.03', '12.2', '', 'pcie', WELL],
      ['NVIDIA A100-SXM4-40GB', 9.6, '535.129.03', '12.2', '', 'pcie', WELL],
    ],
  },
  {
    what: 'NVIDIA, driver 570: every way to fail, and one with the machine’s memory',
    prints: {
      [XML]: 'nvidia-570.xml',
      [COMPUTE]: 'nvidia-570-compute.csv',
      'nvidia-smi nvlink --status': 'nvidia-570-nvlink.txt',
    },
    seen: [
      ['NVIDIA H100 80GB HBM3', 79.6, '570.86.15', '12.8', '9.0', 'nvlink', WELL],
      ['NVIDIA H100 80GB HBM3', 79.6, '570.86.15', '12.8', '9.0', 'pcie', /1 uncorrectable ECC errors/],
      ['NVIDIA H100 80GB HBM3', 79.6, '570.86.15', '12.8', '9.0', 'pcie', /too hot \(90 C\)/],
      ['NVIDIA H100 80GB HBM3', 79.6, '570.86.15', '12.8', '9.0', 'pcie', /recovered \(Reset\)/],
      ['NVIDIA GPU', 0, '570.86.15', '12.8', '9.0', 'pcie', /fallen off the bus/],
      ['NVIDIA H100 80GB HBM3', 79.6, '570.86.15', '12.8', '', 'pcie', /must be reset/],
      ['NVIDIA GPU', 0, '570.86.15', '12.8', '12.1', 'pcie', /no memory of its own/],
    ],
  },
  {
    what: 'AMD, amd-smi of ROCm 6.2: ECC errors, and one too hot',
    prints: {
      'amd-smi static --json': 'amd-smi-6.2-static.json',
      'amd-smi metric --ecc --temperature --json': 'amd-smi-6.2-metric.json',
      'amd-smi version --json': 'amd-smi-6.2-version.json',
    },
    seen: [
      ['AMD Instinct MI300X OAM', 192, '6.8.5', '6.2.0', 'gfx942', 'xgmi', WELL],
      ['AMD Instinct MI300X OAM', 192, '6.8.5', '6.2.0', 'gfx942', 'xgmi', /2 uncorrectable ECC errors/],
      ['AMD Instinct MI300X OAM', 192, '6.8.5', '6.2.0', 'gfx942', 'xgmi', /too hot \(101/],
    ],
  },
  {
    what: 'AMD, amd-smi of ROCm 7',
    prints: {
      'amd-smi static --json': 'amd-smi-7.0-static.json',
      'amd-smi metric --ecc --temperature --json': 'amd-smi-7.0-metric.json',
    },
    seen: [['AMD Radeon RX 7900 XTX', 24, '6.14.14', '', 'gfx1100', 'pcie', WELL]],
  },
  {
    what: 'AMD, amd-smi of ROCm 5.7: one that says nothing of itself, and one without an address',
    prints: { 'amd-smi static --json': 'amd-smi-5.7-static.json' },
    seen: [
      ['AMD Instinct MI210', 64, '6.2.4', '', '', 'pcie', WELL],
      ['AMD GPU', 0, '', '', '', 'pcie', /fallen off the bus/],
    ],
  },
  {
    what: 'AMD, rocm-smi of ROCm 5.0',
    prints: { [ROCM]: 'rocm-smi-5.0.json' },
    seen: [
      ['AMD INSTINCT MI250', 64, '5.13.20', '', '', 'pcie', WELL],
      ['AMD GPU', 0, '5.13.20', '', '', 'pcie', /fallen off the bus/],
    ],
  },
  {
    what: 'AMD, rocm-smi of ROCm 6.1',
    prints: { [ROCM]: 'rocm-smi-6.1.json' },
    seen: [['AMD Instinct MI100', 32, '6.7.0', '', 'gfx908', 'pcie', WELL]],
  },
  {
    what: 'Intel, xpu-smi 1.2: a virtual function beside its card',
    prints: {
      'xpu-smi discovery -j': 'xpu-smi-1.2-discovery.json',
      'xpu-smi discovery -d 0 -j': 'xpu-smi-1.2-device.json',
      'xpu-smi health -d 0 -j': 'xpu-smi-1.2-health.json',
    },
    seen: [['Intel Data Center GPU Max 1550', 128, 'I915_23.10.32_PSB_231129.32', '', '', 'pcie', WELL]],
  },
  {
    what: 'Intel, with bad memory',
    prints: {
      'xpu-smi discovery -j': 'xpu-smi-1.2-discovery.json',
      'xpu-smi discovery -d 0 -j': 'xpu-smi-1.2-device.json',
      'xpu-smi health -d 0 -j': 'xpu-smi-1.2-critical.json',
    },
    seen: [
      ['Intel Data Center GPU Max 1550', 128, 'I915_23.10.32_PSB_231129.32', '', '', 'pcie', /not well \(memory\)/],
    ],
  },
  {
    what: 'tools that fail',
    prints: { [XML]: '!', 'amd-smi static --json': '!', 'xpu-smi discovery -j': '!' },
    seen: [],
  },
  { what: 'a tool that prints something else', prints: { [XML]: 'nvidia-535-mig-list.txt' }, seen: [] },
  { what: 'no tools', prints: {}, seen: [] },
]

describe('what the tools of makers tell of the cards', () => {
  for (const { what, prints, seen } of machines) {
    it(what, async () => {
      const { gpus } = await findGpus(machineOf(prints))
      const facts = gpus.map(({ model, memoryBytes, driver, runtime, compute, interconnect }) => {
        return [model, Math.round((memoryBytes / GIB) * 10) / 10, driver, runtime, compute, interconnect]
      })
      assert.deepEqual(
        facts,
        seen.map((fields) => fields.slice(0, -1)),
      )
      for (const [place, [, , , , , , problem]] of seen.entries()) {
        const found = gpus[place]?.problem ?? null
        if (problem === null) assert.equal(found, null, `card ${place}`)
        else assert.match(found ?? '', problem, `card ${place}`)
      }
    })
  }

  it('names the parts of a card as its driver does', async () => {
    const prints = { [XML]: 'nvidia-535-mig.xml', 'nvidia-smi -L': 'nvidia-535-mig-list.txt' }
    const { gpus } = await findGpus(machineOf(prints))
    assert.deepEqual(
      gpus.map(({ uuid, migProfile, part, index }) => ({ uuid, migProfile, part, index })),
      [
        ['MIG-c6d4f1ef-42e4-5de3-91c7-45d71c87eb3f', '3g.20gb'],
        ['MIG-cba663e8-9bed-5b25-b243-5985ef7c9beb', '2g.10gb'],
      ].map(([uuid, migProfile], place) => ({ uuid, migProfile, part: { card: A100, place }, index: 0 })),
    )
    assert.deepEqual(parseMigList(await fixture('nvidia-450-mig-list.txt')), [
      { card: A100, place: 0, uuid: `MIG-${A100}/7/0`, profile: '1g.5gb' },
      { card: A100, place: 1, uuid: `MIG-${A100}/8/0`, profile: '1g.5gb' },
    ])
  })

  it('sells no part that it cannot name', async () => {
    assert.deepEqual((await findGpus(machineOf({ [XML]: 'nvidia-535-mig.xml' }))).gpus, [])
  })

  it('asks each card alone where one makes the tool fail for all', async () => {
    const prints = { [XML]: '!', [`${XML} -i 0000:19:00.0`]: 'nvidia-570.xml', [`${XML} -i 0000:3b:00.0`]: '!' }
    const busIds = async () => ['0000:19:00.0', '0000:3b:00.0']
    const { gpus } = await findGpus(machineOf(prints, { busIds }))
    assert.deepEqual(
      gpus.map(({ uuid, index, problem }) => [uuid, index, problem]),
      [[A100, 0, null]],
    )
    const { unsold } = await findGpus(machineOf(prints, { busIds }))
    assert.match(unsold.map(({ name, reason }) => `${name} ${reason}`).join(), /3b:00.0.*no driver.*reset the card/)
  })

  it('gives files of the card alone, with the groups that may open them', async () => {
    const amd = (await findGpus(machineOf({ [ROCM]: 'rocm-smi-6.1.json' }))).gpus[0]
    assert.deepEqual(
      [amd?.devices, amd?.groups],
      [
        ['/dev/kfd', '/dev/dri/renderD227'],
        [109, 44],
      ],
    )
    const none = machineOf({ [ROCM]: 'rocm-smi-6.1.json' }, { renderNode: async () => null })
    assert.match((await findGpus(none)).gpus[0]?.problem ?? '', /no file in \/dev\/dri/)
  })
})

describe('cards that no tool speaks for', () => {
  const controllers = async () => [
    { vendor: 'NVIDIA Corporation', model: 'GA102 [GeForce RTX 3090]' },
    { vendor: 'Advanced Micro Devices, Inc. [AMD/ATI]', model: 'Navi 31' },
    { vendor: 'Intel Corporation', model: '' },
    { vendor: 'Red Hat, Inc.', model: 'Virtio 1.0 GPU' },
    { vendor: 'ASPEED Technology, Inc.', model: 'ASPEED Graphics Family' },
  ]

  it('are told to the owner with the tool that is missing', async () => {
    const { gpus, unsold } = await findGpus(machineOf({}, { controllers }))
    assert.deepEqual(gpus, [])
    assert.deepEqual(
      unsold.map(({ name, reason }) => [name, /for (\S+) is not there/.exec(reason)?.[1]]),
      [
        ['GA102 [GeForce RTX 3090]', 'nvidia-smi'],
        ['Navi 31', 'amd-smi'],
        ['Intel Corporation', 'xpu-smi'],
      ],
    )
  })

  it('are not those whose tool is there', async () => {
    const { unsold } = await findGpus(machineOf({ [XML]: 'nvidia-470.xml', [ROCM]: '!' }, { controllers }))
    assert.deepEqual(
      unsold.map(({ name }) => name),
      ['rocm-smi', 'Intel Corporation'],
    )
    assert.match(LOST, /restart/)
  })
})
