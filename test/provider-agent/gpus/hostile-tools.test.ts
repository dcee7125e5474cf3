/** Tools of makers that print what no tool should, or fail: programs of this test, run as the agent runs theirs. */

import assert from 'node:assert/strict'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { encode } from '../../../protocol/codec.ts'
import { AnnouncementSchema } from '../../../protocol/gen/cortex/v1/market_pb.js'
import { checkGpus, gpuToWire } from '../../../protocol/gpu-wire.ts'
import { isLine } from '../../../protocol/text.ts'
import { type FindComponents, findGpus } from '../../../provider-agent/gpus/find-gpus.ts'
import type { FoundGpus } from '../../../provider-agent/gpus/gpu.ts'
import { kindsOf } from '../../../provider-agent/gpus/kinds.ts'
import { runTool, type ToolAnswer } from '../../../provider-agent/gpus/tool.ts'
import { A100, T4 } from '../../support/gpus.ts'

const ODD = 'NVIDIA\nA100\u0007\u202eevil\u001b[31m'

function card(uuid: string, name = 'NVIDIA A100', more = ''): string {
  return `<gpu><product_name>${name}</product_name><uuid>${uuid}</uuid>
    <fb_memory_usage><total>40960 MiB</total></fb_memory_usage>${more}</gpu>`
}

function log(...cards: string[]): string {
  return `<?xml version="1.0" ?><nvidia_smi_log><driver_version>550.54.14</driver_version>${cards.join('')}</nvidia_smi_log>`
}

/** Looks at a machine whose tools answer so, by command. */
async function lookAt(answers: Record<string, string | ToolAnswer>, change: Partial<FindComponents> = {}) {
  return await findGpus({
    async run(name, args): Promise<ToolAnswer> {
      const answer = answers[[name, ...args].join(' ')]
      if (typeof answer === 'string') return { status: 'ok', text: answer }
      if (answer !== undefined) return answer
      const isThere = Object.keys(answers).some((line) => line.startsWith(name))
      return isThere ? { status: 'failed', said: 'it ended with 1' } : { status: 'missing' }
    },
    busIds: async () => [],
    renderNode: async () => 'renderD128',
    groupOf: async () => 44,
    controllers: async () => [],
    ...change,
  })
}

const NVIDIA = 'nvidia-smi -x -q'
const AMD = 'amd-smi static --json'
const INTEL = 'xpu-smi discovery -j'

/** That what was found can be announced, and shown on a terminal. */
function assertSound({ gpus, unsold }: FoundGpus): void {
  const kinds = kindsOf(gpus)
  const message = encode(AnnouncementSchema, { gpus: kinds.map(gpuToWire) })
  assert.ok(message.length > 0 || kinds.length === 0)
  checkGpus(kinds.map((kind) => ({ $typeName: 'cortex.v1.GpuModel', ...gpuToWire(kind) }) as never))
  for (const text of [
    ...gpus.flatMap(({ model, uuid, driver, problem }) => [model, uuid, driver, problem ?? '']),
    ...unsold.flatMap(({ name, reason }) => [name, reason]),
  ]) {
    assert.ok(isLine(text) && text.length <= 300, JSON.stringify(text))
  }
}

describe('what a tool prints of a card', () => {
  it('is sold under a plain name, whatever its maker called it', async () => {
    for (const name of [
      ODD,
      `A100 ${'x'.repeat(5_000)}`,
      '\u{1F600}'.repeat(200),
      '\u202e',
      '&#0;A100&#x7;',
      'A & B',
    ]) {
      const found = await lookAt({ [NVIDIA]: log(card(A100, name), card(T4, 'Tesla T4')) })
      assert.deepEqual(
        found.gpus.map(({ uuid, problem }) => [uuid, problem]),
        [
          [A100, null],
          [T4, null],
        ],
      )
      assertSound(found)
    }
    const { gpus } = await lookAt({ [NVIDIA]: log(card(A100, ODD)) })
    assert.equal(gpus[0]?.model, 'NVIDIA A100 evil [31m')
  })

  it('is bounded where it says what is wrong', async () => {
    const recovery = `<gpu_recovery_action>\u001b[2J${'y'.repeat(9_000)}</gpu_recovery_action>`
    const found = await lookAt({ [NVIDIA]: log(card(A100, 'A100', recovery)) })
    assert.match(found.gpus[0]?.problem ?? '', /asks to be recovered/)
    assertSound(found)
  })

  it('is sound of AMD’s and Intel’s, too', async () => {
    const amd = (bdf: string, size: unknown, version = 'x') => ({
      gpu: 0,
      ...{ asic: { market_name: `MI300X\u202e${'z'.repeat(9_000)}` }, bus: { bdf }, driver: { version } },
      vram: { size },
    })
    const device = (id: number, bdf: string) => ({ device_id: id, device_name: ODD, pci_bdf_address: bdf })
    const found = await lookAt({
      [AMD]: JSON.stringify([
        amd('0000:05:00.0', 1.0000001, '6.8\n\u0007'),
        amd('0000:06:00.0', 1e300),
        amd('0000:07:00.0', -5),
        amd('../../etc', 1),
        7,
      ]),
      [INTEL]: JSON.stringify({ device_list: [device(0, '0000:4d:00.0'), device(1, '../../../etc')] }),
      'xpu-smi discovery -d 0 -j': JSON.stringify({ memory_physical_size_byte: '1.5e10', driver_version: ODD }),
    })
    assertSound(found)
    assert.deepEqual(
      found.gpus.map(({ uuid, problem }) => [uuid, problem === null]),
      [
        ['amd-0000:05:00.0', true],
        ['amd-0000:06:00.0', false],
        ['amd-0000:07:00.0', false],
        ['intel-0000:4d:00.0', true],
      ],
    )
    assert.equal(found.unsold.filter(({ reason }) => /no address on the bus/.test(reason)).length, 3)
  })

  it('sells one uuid once, and tells of the other card', async () => {
    const { gpus, unsold } = await lookAt({ [NVIDIA]: log(card(A100), card(A100), card(T4)) })
    assert.deepEqual(
      gpus.map(({ uuid }) => uuid),
      [A100, T4],
    )
    assert.deepEqual(
      unsold.map(({ name }) => name),
      [`NVIDIA A100 (${A100})`],
    )
    assert.match(unsold[0]?.reason ?? '', /uuid of another card/)
  })

  it('sells what an announcement takes, of a tool that lists a thousand', async () => {
    const many = Array.from({ length: 1_000 }, (_, place) => card(`GPU-${String(place).padStart(8, '0')}`))
    const found = await lookAt({ [NVIDIA]: log(...many) })
    assert.equal(found.gpus.length, 64)
    assert.equal(found.unsold.length, 64)
    assertSound(found)
  })

  it('tells of a card without a uuid', async () => {
    const { gpus, unsold } = await lookAt({ [NVIDIA]: log(card('N/A'), card(T4)) })
    assert.equal(gpus.length, 1)
    assert.match(unsold[0]?.reason ?? '', /no uuid/)
  })
})

describe('a tool that is there and tells of nothing', () => {
  const failed = (said: string): ToolAnswer => ({ status: 'failed', said })
  const cases: [what: string, answers: Record<string, string | ToolAnswer>, tool: string, said: RegExp][] = [
    ['fails', { [NVIDIA]: failed('it says “no driver”') }, 'nvidia-smi', /it says “no driver”.*load NVIDIA’s driver/],
    ['prints no XML', { [NVIDIA]: 'hello\u001b\nworld' }, 'nvidia-smi', /it prints “hello”/],
    ['prints nothing', { [NVIDIA]: '' }, 'nvidia-smi', /it prints nothing/],
    ['of AMD’s fails', { [AMD]: failed('it ended with 2') }, 'amd-smi', /ended with 2.*ROCm/],
    ['of AMD’s prints no list', { [AMD]: '{"a":1}' }, 'amd-smi', /it prints/],
    ['of Intel’s prints an error', { [INTEL]: '{"error":"no device"}' }, 'xpu-smi', /no device/],
  ]
  for (const [what, answers, tool, said] of cases) {
    it(what, async () => {
      const found = await lookAt(answers)
      assert.deepEqual(
        found.unsold.map(({ name }) => name),
        [tool],
      )
      assert.match(found.unsold[0]?.reason ?? '', said)
      assertSound(found)
    })
  }

  it('is no row where it is well and there are no cards', async () => {
    assert.deepEqual(await lookAt({ [NVIDIA]: log(), [AMD]: '[]' }), { gpus: [], unsold: [] })
  })
})

describe('running a tool', () => {
  let folder: string
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'tools-'))
  })
  after(async () => await rm(folder, { recursive: true }))

  async function program(lines: string): Promise<string> {
    const path = join(folder, `tool-${lines.length}`)
    await writeFile(path, `#!/bin/sh\n${lines}\n`)
    await chmod(path, 0o755)
    return path
  }

  it('tells what it said when it fails, on either stream', async () => {
    const onStdout = await program('echo; echo "could not talk to its driver"; exit 9')
    assert.deepEqual(await runTool(onStdout, []), { status: 'failed', said: 'it says “could not talk to its driver”' })
    const onStderr = await program('printf "\\033[31mbroken" >&2; exit 1')
    assert.deepEqual(await runTool(onStderr, []), { status: 'failed', said: 'it says “[31mbroken”' })
    assert.deepEqual(await runTool(await program('exit 7'), []), { status: 'failed', said: 'it ended with 7' })
    assert.deepEqual(await runTool(join(folder, 'none'), []), { status: 'missing' })
  })

  it('ends with one that never does, though it heeds no signal', async () => {
    const never = await program("trap '' TERM; while :; do sleep 1; done")
    assert.deepEqual(await runTool(never, [], 200), { status: 'failed', said: 'it gave no answer within 0.2 s' })
  })
})
