import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loop, type TestBed } from './bed.ts'

/** An agent finds what it made. */
export function listingTests(bed: TestBed): void {
  test("an owner's containers and networks, and nobody else's", async () => {
    const mine = `${bed.owner}-list`
    const ended = bed.specOf('exit 0', { owner: mine, labels: { job: 'one' } })
    const running = bed.specOf(loop, { owner: mine })
    const created = bed.specOf('', { owner: mine, network: 'bridge' })
    const orphan = bed.specOf('', { owner: mine, network: 'bridge' })
    for (const spec of [ended, running, created, orphan]) await bed.engine.create(spec)
    await Promise.all([bed.engine.start(ended.name), bed.engine.start(running.name)])
    await bed.engine.wait(ended.name)
    await bed.docker.getContainer(orphan.name).remove()
    const listed = (await bed.engine.list(mine)).toSorted((a, b) => a.name.localeCompare(b.name))
    const label = { 'org.cortex-node.owner': mine }
    // Written on every container, or an image could say of itself which GPUs it has.
    const made = { ...label, 'org.cortex-node.gpus': '' }
    assert.deepEqual(
      listed,
      [
        { name: ended.name, state: 'exited', labels: { ...made, job: 'one' } },
        { name: running.name, state: 'running', labels: made },
        { name: created.name, state: 'created', labels: made },
        { name: orphan.name, state: 'network-only', labels: label },
      ].toSorted((a, b) => a.name.localeCompare(b.name)),
    )
    for (const { name: left } of listed) await bed.engine.remove(left)
    assert.deepEqual(await bed.engine.list(mine), [])
  })
}
