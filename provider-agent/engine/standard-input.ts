import type { Duplex } from 'node:stream'
import type Docker from 'dockerode'
import { askEngine } from './ask-engine.ts'
import type { AbortOptions } from './index.ts'

/**
 * Opens what the program of a container reads from its standard input: before its start, for whoever attaches later may miss
 * it. What is written goes there, and its end is the program's. It closes when the engine has passed all of it on, and when
 * nobody reads it any more.
 */
export async function openStandardInput(docker: Docker, name: string, { signal }: AbortOptions = {}): Promise<Duplex> {
  return await askEngine(`attaching to ${name}`, signal, async (abort) => {
    const options = { stream: true, stdin: true, stdout: false, stderr: false, hijack: true, ...abort }
    return (await docker.getContainer(name).attach(options)) as Duplex
  })
}
