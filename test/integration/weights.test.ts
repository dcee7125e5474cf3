/** Jobs yield to the owner's programs, on a real engine: what the kernel says of the groups of both. */

import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, rmdir, stat, writeFile } from 'node:fs/promises'
import { after, before, describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import type Docker from 'dockerode'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { bridgePrefix } from '../../provider-agent/networks/bridge-name.ts'
import { createJobGroup, type JobGroup } from '../../provider-agent/weights/job-group.ts'
import { until } from '../support/until.ts'
import { openTestBed, type TestBed } from './executor/bed.ts'

const CPU = '/sys/fs/cgroup/cpu'
const ACCOUNT = '/sys/fs/cgroup/cpuacct'

async function lackOf(): Promise<string | false> {
  if (process.getuid?.() !== 0) return 'needs root'
  const isFirst = await stat(`${CPU}/cpu.shares`).then(
    () => true,
    () => false,
  )
  return isFirst ? false : 'the kernel’s groups here are cgroup 2: not run'
}

const lack = await lackOf()

describe('weights', { skip: lack }, () => {
  const stack = new AsyncDisposableStack()
  let docker: Docker
  let bed: TestBed

  before(async () => {
    bed = await openTestBed(stack)
    ;({ docker } = bed)
  })
  after(async () => await stack.disposeAsync())

  async function open(weight: number) {
    const owner = `${bed.owner}-${weight}`
    const jobGroup: JobGroup = createJobGroup({ owner, weight })
    const engine = createDockerEngine({ docker, jobGroup }, { owner, jobWeight: weight })
    await engine.features()
    return { engine, jobGroup, group: bridgePrefix(owner) }
  }

  const read = async (path: string): Promise<string> => (await readFile(path, 'utf8')).trim()
  const idOf = async (name: string): Promise<string> => (await docker.getContainer(name).inspect()).Id

  it('a job is in the group of all jobs, which weighs as its owner says, and shares in it by its cores', async () => {
    const { engine, jobGroup, group } = await open(20)
    assert.equal(jobGroup.problem(), null)
    const job = await bed.run('sleep 60', { cpuMillis: 500 }, engine)
    assert.equal(await read(`${CPU}/${group}/cpu.shares`), '205')
    assert.equal(await read(`${CPU}/${group}/${await idOf(job)}/cpu.shares`), '512')
    const disk = `/sys/fs/cgroup/blkio/${group}/blkio.bfq.weight`
    const weight = await read(disk).catch(() => null) // not in every kernel
    assert.ok(weight === '20' || weight === null, `${weight}`)
    await jobGroup.stop()
    await stat(`${CPU}/${group}`)
    await engine.remove(job)
    await jobGroup.stop()
    for (const kind of await readdir('/sys/fs/cgroup')) {
      await assert.rejects(stat(`/sys/fs/cgroup/${kind}/${group}`), /ENOENT/, kind)
    }
  })

  it('what somebody changed is put back with the next job', async () => {
    const { engine, jobGroup, group } = await open(30)
    await writeFile(`${CPU}/${group}/cpu.shares`, '1024')
    const job = await bed.run('true', {}, engine)
    assert.equal(await read(`${CPU}/${group}/cpu.shares`), '307')
    await engine.remove(job)
    await jobGroup.stop()
  })

  it('without the group a job has its part of the weight in a container’s own', async () => {
    const job = await bed.run('sleep 60', { cpuMillis: 1_000 }, createDockerEngine({ docker }, { jobWeight: 10 }))
    const { NCPU: cores } = (await docker.info()) as { NCPU: number }
    const shares = Math.max(2, Math.round(102 / cores))
    assert.equal(await read(`${CPU}/docker/${await idOf(job)}/cpu.shares`), String(shares))
    await bed.engine.remove(job)
  })

  it('on one core, the owner’s program gets nearly all of it', async () => {
    const { engine, jobGroup, group } = await open(5)
    const own = `cxown-${process.pid}`
    await mkdir(`${CPU}/${own}`)
    await mkdir(`${ACCOUNT}/${own}`).catch(() => undefined) // one and the same on some machines
    let program: ChildProcess | undefined
    const used = async (path: string): Promise<number> => Number(await read(`${ACCOUNT}/${path}/cpuacct.usage`))
    try {
      // Of busybox: both go round the same loop. On the same core, which other tests may want, too.
      const job = await bed.run('while :; do :; done', {}, engine)
      await docker.getContainer(job).update({ CpusetCpus: '0' })
      program = spawn('taskset', ['-c', '0', 'sh', '-c', 'while :; do :; done'], { stdio: 'ignore' })
      for (const kind of [CPU, ACCOUNT]) await writeFile(`${kind}/${own}/cgroup.procs`, String(program.pid))
      const [jobs, owners] = [await used(group), await used(own)]
      // Half a second of processor time for both together, however long that takes.
      await until(async () => (await used(group)) - jobs + (await used(own)) - owners > 500e6)
      const [got, left] = [(await used(own)) - owners, (await used(group)) - jobs]
      assert.ok(got > 3 * left, `the owner's program ${got}, the job ${left} ns`)
      await engine.remove(job)
    } finally {
      program?.kill('SIGKILL')
      await until(async () => (await read(`${CPU}/${own}/cgroup.procs`)) === '')
      await rmdir(`${CPU}/${own}`)
      await rmdir(`${ACCOUNT}/${own}`).catch(() => undefined)
      await jobGroup.stop()
    }
  })
})
