import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loop, type TestBed } from './bed.ts'

/** Containers are stopped gracefully, then not. */
export function stoppingTests(bed: TestBed): void {
  test('a program that handles SIGTERM ends in its own way', async () => {
    const container = await bed.run(`trap 'echo bye; exit 5' TERM; ${loop}`)
    await bed.untilReady(container)
    await bed.engine.stop(container, { graceMs: 60_000 })
    assert.equal((await bed.engine.wait(container)).exitCode, 5)
    assert.deepEqual(
      (await bed.readAll(container)).map(({ line }) => line),
      ['ready', 'bye'],
    )
  })

  test('a program that does not handle SIGTERM ends by it', async () => {
    const container = await bed.run(loop)
    await bed.untilReady(container)
    await bed.engine.stop(container, { graceMs: 60_000 })
    assert.equal((await bed.engine.wait(container)).exitCode, 143)
  })

  test('a program that ignores SIGTERM is killed after its grace', async () => {
    const container = await bed.run(`trap '' TERM; ${loop}`)
    await bed.untilReady(container)
    await bed.engine.stop(container, { graceMs: 100 })
    const { exitCode, oomKilled } = await bed.engine.wait(container)
    assert.deepEqual([exitCode, oomKilled], [137, false])
  })

  test('no grace is no SIGTERM', async () => {
    const container = await bed.run(`trap 'exit 5' TERM; ${loop}`)
    await bed.untilReady(container)
    await bed.engine.stop(container, { graceMs: 0 })
    assert.equal((await bed.engine.wait(container)).exitCode, 137)
  })

  test("the caller's signal goes before the container's own, and that before SIGTERM", async () => {
    const script = `trap 'exit 6' USR1; trap 'exit 7' QUIT; ${loop}`
    const own = await bed.run(script, { stopSignal: 'SIGQUIT' })
    const asked = await bed.run(script, { stopSignal: 'SIGQUIT' })
    await Promise.all([bed.untilReady(own), bed.untilReady(asked)])
    await Promise.all([
      bed.engine.stop(own, { graceMs: 60_000 }),
      bed.engine.stop(asked, { graceMs: 60_000, signalName: 'SIGUSR1' }),
    ])
    assert.deepEqual([(await bed.engine.wait(own)).exitCode, (await bed.engine.wait(asked)).exitCode], [7, 6])
  })

  test('a running container can be removed', async () => {
    const container = await bed.run(loop, { network: 'bridge' })
    await bed.engine.remove(container)
    assert.deepEqual(
      (await bed.engine.list(bed.owner)).filter(({ name: left }) => left === container),
      [],
    )
  })

  test('entry 53: a container that is paused is stopped at once, whatever its grace, and removed', async () => {
    const name = await bed.run(loop)
    await bed.untilReady(name)
    await bed.docker.getContainer(name).pause()
    await bed.engine.stop(name, { graceMs: 600_000 })
    assert.equal((await bed.engine.wait(name)).exitCode, 137)
    await bed.engine.remove(name)
    assert.ok(!(await bed.engine.list(bed.owner)).some((left) => left.name === name))
  })
}
