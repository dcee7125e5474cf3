/** Commands that no image can run, on a real engine: what the job's owner is told, and what the job exits with. */

import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { failure } from '../../protocol/failures.ts'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import type { ContainerSpec } from '../../provider-agent/engine/index.ts'
import { endingOfError } from '../../provider-agent/lease/ending.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { closeAll } from '../support/close-all.ts'
import { createTestBed, type TestBed } from './executor/bed.ts'
import { importOddPrograms } from './support/odd-programs.ts'

/** Command, the folder that it runs in, reason and exit code. */
const CASES: [command: string[], reason: string, exitCode: number][] = [
  [['/nope'], 'command-not-found', 127],
  [['nope'], 'command-not-found', 127],
  [['./nope'], 'command-not-found', 127],
  [['/plain.sh/nope'], 'command-not-found', 127],
  [['/link-to-nothing'], 'command-not-found', 127],
  [['/crlf.sh'], 'bad-interpreter', 127],
  [['./crlf.sh'], 'bad-interpreter', 127],
  [['crlf-in-path'], 'bad-interpreter', 127],
  [['/no-python.py'], 'bad-interpreter', 127],
  [['/plain.sh'], 'not-executable', 126],
  [['/folder'], 'is-a-folder', 126],
  [['/foreign'], 'wrong-architecture', 126],
  [['/link-to-foreign', 'an argument'], 'wrong-architecture', 126],
  [[], 'no-command', 127],
]

describe('entry 27: what cannot be run', () => {
  const bed = {} as TestBed
  let handle: EngineHandle | null = null
  let odd: Awaited<ReturnType<typeof importOddPrograms>> | null = null

  before(async () => {
    handle = await ensureEngine()
    const docker = new Docker({ socketPath: handle.socketPath })
    odd = await importOddPrograms(docker, await ensureBusyboxImage(docker))
    const { image } = odd
    Object.assign(bed, createTestBed({ docker, image, makeEngine: (init) => createDockerEngine({ docker }, init) }))
  })
  after(async () => {
    await closeAll(
      async () => await bed?.clear(),
      async () => await odd?.remove(),
      async () => await handle?.stop(),
    )
  })

  const places: [what: Partial<ContainerSpec>, reason: string, told?: RegExp][] = [
    [{ user: 'nobody-here' }, 'no-such-user'],
    [{ user: '1000:nobody-here' }, 'no-such-user'],
    [{ workdir: '/etc/passwd' }, 'bad-workdir', /^The working folder, or what it lies in, is a file and no folder\.$/],
    [{ workdir: '/etc/passwd/x' }, 'bad-workdir', /^The working folder, or what it lies in, is a file/],
  ]
  for (const [what, reason, told = /\.$/] of places) {
    it(`${JSON.stringify(what)}: ${reason}`, async () => {
      const engine = bed.makeEngine({})
      const spec = { ...bed.specOf('true', {}), ...what }
      const start = async (): Promise<void> => {
        await engine.create(spec)
        await engine.start(spec.name)
      }
      await assert.rejects(start, (error) => {
        const { failureCode, details, message } = endingOfError(error)
        assert.deepEqual([failureCode, details.reason], ['NON_ZERO_EXIT', reason])
        assert.match(message, told)
        return true
      })
    })
  }

  for (const useInit of [true, false]) {
    for (const [command, reason, exitCode] of CASES) {
      it(`${JSON.stringify(command)} ${useInit ? 'with' : 'without'} an init: ${reason}, ${exitCode}`, async () => {
        const engine = bed.makeEngine({ useInit })
        const spec = bed.specOf('', { command, args: [] })
        const error = await engine
          .create(spec)
          .then(async () => await engine.start(spec.name))
          .then(async () => await engine.wait(spec.name))
          .then(
            (exit) => assert.fail(`it ended with ${exit.exitCode}`),
            (thrown: unknown) => thrown,
          )
        const ending = endingOfError(error)
        assert.deepEqual(
          [ending.failureCode, ending.exitCode, ending.details.reason],
          ['NON_ZERO_EXIT', exitCode, reason],
        )
        const { message, remedy } = failure('NON_ZERO_EXIT', ending.message, ending.details)
        assert.match(message, /^[^\n]+[^.]\.$/)
        assert.ok(!message.includes('cortex'), message)
        assert.notEqual(remedy, failure('NON_ZERO_EXIT').remedy, 'a remedy of its own')
        await engine.remove(spec.name)
      })
    }

    it(`programs that end so by themselves keep their own exit code, ${useInit ? 'with' : 'without'} an init`, async () => {
      const engine = bed.makeEngine({ useInit })
      for (const [script, exitCode] of [
        ['nosuch-program', 127],
        ['/plain.sh', 126],
        ['/foreign; exit 2', 2],
        ['echo /foreign: cannot execute >&2; exit 126', 126],
        ['exit 1', 1],
      ] as const) {
        const container = await bed.run(script, {}, engine)
        assert.equal((await engine.wait(container)).exitCode, exitCode, script)
      }
    })
  }
})
