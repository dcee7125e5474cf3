import assert from 'node:assert/strict'
import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import {
  KERNEL_FILES,
  PROBE_PORT,
  PROVE_SECONDS,
  PROVED,
  PROVED_CODE,
  programsFor,
} from '../../../provider-agent/sandbox/program.ts'

describe('programs of sandboxes', () => {
  for (const [architecture, machine] of [
    ['amd64', 0x3e],
    ['arm64', 0xb7],
  ] as const) {
    it(`${architecture}: static programs of one segment, entered behind their headers`, () => {
      const programs = programsFor(architecture)
      assert.ok(programs)
      for (const [name, bytes] of Object.entries(programs)) {
        const elf = Buffer.from(bytes)
        assert.equal(elf.readUInt32BE(0), 0x7f454c46, name)
        assert.equal(elf.readUInt16LE(18), machine, name)
        assert.equal(elf.readUInt16LE(56), 1, name)
        const [entry, address] = [elf.readBigUInt64LE(24), elf.readBigUInt64LE(80)]
        assert.equal(entry - address, 120n, name)
        assert.equal(elf.readBigUInt64LE(96), BigInt(elf.length), name)
        assert.ok(elf.length < 512, name)
      }
    })
  }

  it('there is none for another architecture, whatever it is called', () => {
    for (const name of ['riscv64', '', 'toString', '__proto__']) assert.equal(programsFor(name), null, name)
  })

  const here = { x64: 'amd64', arm64: 'arm64' }[process.arch as string] ?? ''
  const skip = process.platform !== 'linux' || here === '' ? 'it runs on Linux with amd64 or arm64' : false
  it('the one that holds runs until it is killed', { skip }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-program-'))
    try {
      const file = join(folder, 'hold')
      await writeFile(file, programsFor(here)?.hold ?? '', { mode: 0o755 })
      const child = spawn(file, { stdio: 'ignore' })
      await once(child, 'spawn')
      const { stdout } = await promisify(execFile)('cat', [`/proc/${child.pid}/comm`])
      assert.equal(stdout, 'hold\n')
      child.kill('SIGKILL')
      assert.deepEqual(await once(child, 'exit'), [null, 'SIGKILL'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  it('those that prove a runtime write their line and which kernel they have, and end with their code, one of them once it was spoken to', {
    skip,
  }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'cortex-program-'))
    try {
      const { prove, tell } = programsFor(here) ?? {}
      const kernel = await Promise.all(KERNEL_FILES.map(async (path) => await readFile(path, 'utf8')))
      const said = [`${PROVED}\n`, ...kernel].join('')
      const file = join(folder, 'tell')
      await writeFile(file, tell ?? '', { mode: 0o755 })
      assert.deepEqual(await ending(spawn(file)), [said, PROVED_CODE])
      const waiting = join(folder, 'prove')
      await writeFile(waiting, prove ?? '', { mode: 0o755 })
      const child = spawn(waiting)
      await once(child.stdout, 'readable')
      assert.equal(child.exitCode, null)
      connect(PROBE_PORT, '127.0.0.1').on('error', () => undefined)
      assert.deepEqual(await ending(child), [said, PROVED_CODE])
      const impatient = join(folder, 'impatient')
      await writeFile(impatient, inNoTime(prove ?? Buffer.alloc(0)), { mode: 0o755 })
      assert.deepEqual(await ending(spawn(impatient)), [said, 0], 'to whom nobody has spoken')
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

/** The program, with no time to wait for anybody. */
function inNoTime(program: Uint8Array): Buffer {
  const bytes = Buffer.from(program)
  const word = (number: number): Buffer => {
    const found = Buffer.alloc(4)
    found.writeUInt32LE(number)
    return found
  }
  const movz = 0xd280000b // mov x11, the seconds, of arm64
  const [waits, none] = process.arch === 'x64' ? [PROVE_SECONDS * 1_000, 0] : [movz + PROVE_SECONDS * 32, movz]
  const at = bytes.indexOf(word(waits))
  assert.ok(at > 0)
  word(none).copy(bytes, at)
  return bytes
}

async function ending(child: ChildProcessWithoutNullStreams): Promise<[string, number | null]> {
  const exit = once(child, 'close')
  const said = await text(child.stdout)
  const [code] = await exit
  return [said, code as number | null]
}
