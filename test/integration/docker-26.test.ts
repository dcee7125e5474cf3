/**
 * An agent on Docker 26.1 (API 1.45): tests of other files, on that engine. Each of theirs is one of these; what hangs on how
 * images are stored runs on the store that the engine of all other tests does not have. Skipped where it cannot be fetched;
 * others run on it by hand, see CONTRIBUTING.md.
 */

import assert from 'node:assert/strict'
import { after, before, describe, it, type TestContext } from 'node:test'
import { type Docker26, docker26Programs, startDocker26 } from './support/docker-26.ts'

const found = await docker26Programs()
const skip = 'problem' in found ? found.problem : false
const programs = 'programs' in found ? found.programs : []

/** Runs the tests of a file there; each counts here. */
async function passes(t: TestContext, engine: Docker26, file: string): Promise<void> {
  const { tests, problems } = await engine.runFile(file)
  for (const one of tests) {
    await t.test(one.name, (t) => {
      if (one.type === 'skipped') t.skip(one.reason)
      else if (one.type === 'failed') assert.fail(one.reason)
    })
  }
  assert.deepEqual(problems, [])
}

describe('Docker 26', { skip, concurrency: 2 }, () => {
  let engine: Docker26
  before(async () => {
    engine = await startDocker26(programs)
    await engine.bringServers()
  })
  after(async () => await engine?.[Symbol.asyncDispose]())

  it('speaks a newer API than the engine of the other tests', async () => {
    assert.equal(await engine.version(), '1.45')
  })

  for (const [what, file] of [
    ['pulls, starts, limits, stops, logs and removes containers', 'executor.test.ts'],
    ['runs an agent’s jobs, tells a lack of memory, and takes them up after a restart', 'agent.test.ts'],
    ['lets into ports and commands, and brings outputs', 'reach.test.ts'],
    ['keeps jobs from networks that they must not reach', 'firewall.test.ts'],
    ['makes networks ahead, and leaves nothing behind', 'sandboxes.test.ts'],
  ] as const) {
    it(what, async (t) => await passes(t, engine, file))
  }

  it('is read where control groups are of version 2', async (t) => {
    // Where they are, all of the tests above have read them.
    const version = await engine.cgroups()
    if (version !== '2') t.skip('this machine has control groups of version 1: what is read of version 2 was not run')
  })
})

describe('Docker 26 with containerd’s store of images', { skip, concurrency: 2 }, () => {
  let engine: Docker26
  before(async () => {
    engine = await startDocker26(programs, { features: { 'containerd-snapshotter': true } })
    await engine.bringServers()
  })
  after(async () => await engine?.[Symbol.asyncDispose]())

  for (const [what, file] of [
    ['gets images', 'pull.test.ts'],
    ['runs what is for a platform, and the bytes that were pinned', 'platforms.test.ts'],
    ['measures storage and volumes', 'storage.test.ts'],
  ] as const) {
    it(what, async (t) => await passes(t, engine, file))
  }
})
