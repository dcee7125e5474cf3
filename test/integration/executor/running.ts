import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EngineError } from '../../../provider-agent/engine/index.ts'
import { MiB, type TestBed } from './bed.ts'

/** Programs run, and end as they end. */
export function runningTests(bed: TestBed): void {
  for (const exitCode of [0, 3]) {
    test(`exit code ${exitCode}, with the engine's times`, async () => {
      const spec = bed.specOf(`exit ${exitCode}`)
      await bed.engine.create(spec)
      const { startedAtMs } = await bed.engine.start(spec.name)
      const exit = await bed.engine.wait(spec.name)
      assert.deepEqual(exit, { exitCode, oomKilled: false, startedAtMs, finishedAtMs: exit.finishedAtMs })
      assert.ok(exit.finishedAtMs >= startedAtMs)
      assert.ok((await bed.engine.nowMs()) >= exit.finishedAtMs, 'all of them by the engine’s clock')
      assert.deepEqual(await bed.engine.wait(spec.name), exit, 'waiting again')
    })
  }

  test('out of memory is told apart from being killed', async () => {
    const greedy = await bed.run('tail /dev/zero', { memoryBytes: 16 * MiB })
    const killed = await bed.run('kill -9 $$', { memoryBytes: 16 * MiB })
    const [memory, signal] = await Promise.all([bed.engine.wait(greedy), bed.engine.wait(killed)])
    assert.deepEqual([memory.exitCode, memory.oomKilled], [137, true])
    assert.deepEqual([signal.exitCode, signal.oomKilled], [137, false])
  })

  test('a child that ran out of memory is no failure of a program that ends well', async () => {
    const container = await bed.run('tail /dev/zero; exit 0', { memoryBytes: 16 * MiB })
    const { exitCode, oomKilled } = await bed.engine.wait(container)
    assert.deepEqual([exitCode, oomKilled], [0, false])
  })

  test('environment, entrypoint and arguments arrive', async () => {
    const env = { PLAIN: 'a b=c', QUOTED: `'"$HOME\n` }
    const extra = {
      env,
      command: ['/bin/sh', '-c', 'printf "%s|%s|%s" "$PLAIN" "$QUOTED" "$*"', 'sh'],
      args: ['x', 'y z'],
    }
    const lines = await bed.outputOf('', extra)
    assert.equal(lines.map(({ line }) => line).join('\n'), `a b=c|'"$HOME\n|x y z`)
  })

  test('every step may be repeated, and a program that has ended is not run again', async () => {
    const spec = bed.specOf('echo ran')
    await bed.engine.create(spec)
    await bed.engine.create(spec)
    const first = await bed.engine.start(spec.name)
    const exit = await bed.engine.wait(spec.name)
    assert.deepEqual(await bed.engine.start(spec.name), first)
    assert.deepEqual(await bed.engine.wait(spec.name), exit)
    assert.equal((await bed.readAll(spec.name)).length, 1)
    await bed.engine.stop(spec.name, { graceMs: 1_000 })
    await bed.engine.remove(spec.name)
    await bed.engine.remove(spec.name)
    await bed.engine.stop(spec.name, { graceMs: 1_000 })
    const missing = { code: 'ENGINE_ERROR', details: { reason: 'not-found' } }
    await assert.rejects(bed.engine.start(spec.name), missing)
    await assert.rejects(bed.engine.wait(spec.name), missing)
    await assert.rejects(bed.readAll(spec.name), missing)
  })

  test("a name that another agent's container has is not taken over", async () => {
    const spec = bed.specOf('exit 0')
    await bed.engine.create(spec)
    const taken = { code: 'ENGINE_ERROR', details: { reason: 'name-taken' } }
    await assert.rejects(bed.engine.create({ ...spec, owner: 'somebody-else' }), taken)
  })

  test('a container that was created and not started cannot be waited for', async () => {
    const spec = bed.specOf('exit 0')
    await bed.engine.create(spec)
    const notStarted = { code: 'ENGINE_ERROR', details: { reason: 'not-started' } }
    await assert.rejects(bed.engine.wait(spec.name), notStarted)
  })

  const noProgram: [what: string, args: string[], reason: string][] = [
    ['not in the path', ['nosuch-program'], 'command-not-found'],
    ['no such file', ['/no/such/program'], 'command-not-found'],
    ['below a file', ['/etc/passwd/x'], 'command-not-found'],
    ['not executable', ['/etc/passwd'], 'not-executable'],
    ['a folder', ['/etc'], 'is-a-folder'],
    ['an empty word', [''], 'command-not-found'],
    ['a link to itself', ['/proc/self/fd/nosuch'], 'command-not-found'],
  ]
  for (const useInit of [true, false]) {
    for (const [what, args, reason] of noProgram) {
      test(`entry 27: a command that is ${what} is told as ${reason}, ${useInit ? 'with' : 'without'} an init`, async () => {
        const own = bed.makeEngine({ useInit })
        const spec = bed.specOf('', { args })
        await own.create(spec)
        const failed = own.start(spec.name).then(() => own.wait(spec.name))
        await assert.rejects(failed, { code: 'INVALID_COMMAND', details: { reason } })
        await assert.rejects(failed, (error: EngineError) => {
          const told = error.told ?? ''
          assert.ok(told.includes(JSON.stringify(args[0])), `names the program: ${told}`)
          assert.ok(!told.includes(spec.name), told)
          return true
        })
      })
    }
  }

  test('a program that itself ends with 127 is no invalid command', async () => {
    const { exitCode } = await bed.engine.wait(await bed.run('nosuch-program'))
    assert.equal(exitCode, 127)
  })

  test('an image that is not there fails the creation, and leaves nothing', async () => {
    const spec = bed.specOf('', { image: 'cortex/nosuch:1', network: 'bridge' })
    const expected = { code: 'IMAGE_PULL_ERROR', details: { reason: 'never-present' } }
    await assert.rejects(bed.engine.create(spec), expected)
    assert.deepEqual(
      (await bed.engine.list(bed.owner)).filter((left) => left.name === spec.name),
      [],
    )
  })
}
