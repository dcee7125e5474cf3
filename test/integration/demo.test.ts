/** `npm run demo`, once as people run it and once interrupted: what it started is gone. */

import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { createProcessMark } from '../../scripts/testing/leftovers.ts'
import { closeAll } from '../support/close-all.ts'
import { startProgram } from './support/program.ts'

const LABEL = 'org.cortex-node.owner'

describe('the demo', () => {
  let engine: EngineHandle
  let docker: Docker
  let folder: string

  before(async () => {
    engine = await ensureEngine()
    docker = new Docker({ socketPath: engine.socketPath })
    await ensureBusyboxImage(docker)
    folder = await mkdtemp(join(tmpdir(), 'cortex-demo-'))
  })
  after(async () => {
    await closeAll(
      async () => await rm(folder, { recursive: true, force: true }),
      async () => await engine?.stop(),
    )
  })

  /** Containers and networks of agents, whoever started them, by name. */
  async function made(): Promise<Set<string>> {
    const filters = { label: [LABEL] }
    const containers = await docker.listContainers({ all: true, filters })
    const networks = await docker.listNetworks({ filters })
    return new Set([...containers.map(({ Names }) => Names.join()), ...networks.map(({ Name }) => Name)])
  }

  /** Runs it with a folder for temporary files and a mark of its own. */
  function start(...args: string[]) {
    const mark = createProcessMark()
    return { mark, program: startProgram('scripts/demo.ts', args, { ...mark.env, TMPDIR: folder }) }
  }

  async function assertNothingLeft(jobs: string[], mark: ReturnType<typeof createProcessMark>): Promise<void> {
    assert.deepEqual(await mark.endAll(), [])
    const left = [...(await made())].filter((name) => jobs.some((job) => name.includes(job)))
    assert.deepEqual(left, [])
    // Node keeps what it compiled there, and agents the list of those of this machine, which the next one clears.
    assert.deepEqual(
      (await readdir(folder)).filter((name) => name.startsWith('cortex-') && !/^cortex-agents-\d+$/.test(name)),
      [],
    )
  }

  function jobsIn(text: string): string[] {
    return [...new Set(text.match(/job_[0-9a-z]{12,}/g))]
  }

  it('shows a job that works and one that fails, stays up with a link that signs in, and ends with nothing left', async () => {
    const { mark, program } = start('--keep')
    const [, link = ''] = await program.prints(/^ +sign in +(\S+)/m)
    const answer = await fetch(link, { redirect: 'manual' })
    assert.deepEqual([answer.status, answer.headers.getSetCookie().length], [302, 1])
    program.child.kill('SIGINT')
    const { code, stdout, stderr } = await program.ended
    const text = stdout.toString()
    assert.equal(code, 0, `${text}${stderr}`)
    const jobs = jobsIn(text)
    assert.equal(jobs.length, 2)
    for (const said of [/bid +thrifty, accepted/, /bid +steady, released/, /\| done$/m, /completed/, /exit code 3/]) {
      assert.match(text, said)
    }
    assert.match(text, /NON_ZERO_EXIT: Exit Code 3\n +remedy +Check the application logs/)
    await assertNothingLeft(jobs, mark)
  })

  it('leaves nothing either where it is interrupted in the middle of a job', async () => {
    const { mark, program } = start()
    const [, job = ''] = await program.prints(/ pending +(job_\w+).* running/s)
    program.child.kill('SIGINT')
    const { code } = await program.ended
    assert.notEqual(code, 0)
    await assertNothingLeft([job], mark)
  })
})
