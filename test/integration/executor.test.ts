import { after } from 'node:test'
import Docker from 'dockerode'
import { createDockerEngine } from '../../provider-agent/engine/docker.ts'
import { type EngineHandle, ensureEngine } from '../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../scripts/image.ts'
import { executorSuite } from './executor-suite.ts'

let handle: EngineHandle | null = null
after(() => handle?.stop())

executorSuite('Docker', async () => {
  handle = await ensureEngine()
  const docker = new Docker({ socketPath: handle.socketPath })
  const image = await ensureBusyboxImage(docker)
  return { docker, image, makeEngine: (init) => createDockerEngine({ docker }, init) }
})
