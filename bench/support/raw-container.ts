import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'

/** One container on a bridge network of its own, the way the agent makes them, with dockerode alone. */
export interface RawContainer {
  /** From the first call to the engine to the end of `start()`, in ms. */
  startedAfterMs: number
  /** Waits for its end and removes it and its network. */
  finish(): Promise<void>
}

export async function startRaw(docker: Docker, image: string, command: string[]): Promise<RawContainer> {
  const name = `cortex-bench-${randomBytes(6).toString('hex')}`
  const begin = performance.now()
  const network = await docker.createNetwork({ Name: name, Driver: 'bridge' })
  const container = await docker.createContainer({
    name,
    Image: image,
    Cmd: command,
    HostConfig: {
      NetworkMode: name,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: 512,
      NanoCpus: 1_000_000_000,
      Memory: 64 * 2 ** 20,
      MemorySwap: 64 * 2 ** 20,
    },
  })
  await container.start()
  const startedAfterMs = performance.now() - begin
  return {
    startedAfterMs,
    async finish() {
      await container.wait()
      await container.remove({ force: true })
      await network.remove()
    },
  }
}
