/** Agents that share an engine: none takes what another made, and each attempt finds what its own agent's one left. */

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, it } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import type { LeaseRecord } from '../../provider-agent/journal/records.ts'
import { containerName, containerSpec } from '../../provider-agent/lease/container.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'

describe('two agents on one engine', () => {
  let shared: EngineHandle
  let docker: Docker
  let image: string
  before(async () => {
    shared = await ensureEngine()
    docker = new Docker({ socketPath: shared.socketPath })
    image = await ensureBusyboxImage(docker)
  })
  after(async () => await shared.stop())

  function recordOf(jobId: string, fence: number): LeaseRecord {
    const volumes = [{ name: 'data', mountPath: '/data', sizeBytes: 2 ** 20 }]
    return {
      ...{ jobId, fence, requester: 'somebody' },
      resources: { cpuMillis: 100, memoryBytes: 2 ** 25, storageBytes: 2 ** 22, gpu: 0 },
      job: { image, command: ['sh', '-c'], args: ['true'], env: {}, network: 'none', volumes },
    } as unknown as LeaseRecord
  }

  it('entry 48: a retry of a job with a volume runs on the other, with a volume of its own', async () => {
    const jobId = `job_${randomBytes(6).toString('hex')}`
    const made: string[] = []
    for (const [at, owner] of [`one-${jobId}`, `two-${jobId}`].entries()) {
      const engine = createDockerEngine({ docker }, { owner })
      const record = recordOf(jobId, at + 1)
      await engine.create(containerSpec(record, null, owner, { image, repoDigest: null }))
      const volumes = await engine.volumes(owner)
      assert.equal(volumes.length, 1, owner)
      made.push(...volumes.map(({ name }) => name))
    }
    assert.equal(new Set(made).size, 2)
    for (const fence of [1, 2]) await docker.getContainer(containerName({ jobId, fence })).remove({ force: true })
    for (const name of made) await docker.getVolume(name).remove()
  })

  for (const isItsOwn of [true, false]) {
    const whose = isItsOwn ? 'its own job’s is taken, with what is in it' : 'another’s is left alone'
    it(`entry 48: of the volumes that an earlier version named, ${whose}`, async () => {
      const jobId = `job_${randomBytes(6).toString('hex')}`
      const owner = `one-${jobId}`
      const engine = createDockerEngine({ docker }, { owner })
      const record = recordOf(jobId, 2)
      const spec = containerSpec(record, null, owner, { image, repoDigest: null })
      const [{ formerName = '' } = {}] = spec.volumes ?? []
      const labels = { ...spec.labels, 'cortex.fence': '1', 'org.cortex-node.owner': isItsOwn ? owner : 'another' }
      await docker.createVolume({ Name: formerName, Labels: labels })
      await engine.create(spec)
      const { Mounts: [mount] = [] } = await docker.getContainer(spec.name).inspect()
      assert.equal(mount?.Name === formerName, isItsOwn)
      await docker.getContainer(spec.name).remove({ force: true })
      for (const name of new Set([formerName, mount?.Name ?? ''])) await docker.getVolume(name).remove()
    })
  }
})
