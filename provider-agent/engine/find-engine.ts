/** Finds the container engine of this machine where none was named. */

import { join } from 'node:path'
import type DockerClient from 'dockerode'
import { USUAL_SOCKET } from './address.ts'
import { connectDocker } from './connect.ts'
import { Docker } from './dockerode.ts'

/** What {@link findEngine} goes by. */
export interface EngineSearch {
  /** e.g. `process.env`; read for `HOME` and `XDG_RUNTIME_DIR`. */
  env: Record<string, string | undefined>
  /** What is behind a socket. @default asks it */
  probe?: (socketPath: string) => Promise<SocketState>
}

/** `silent`: there is a socket, and nobody answers on it at the moment. */
export type SocketState = 'answers' | 'denied' | 'silent' | 'missing'

const PROBE_MS = 3_000
const REMEDY = 'install Docker or Podman, or name one with --docker-host unix:///path (DOCKER_HOST)'

/**
 * The address of the engine: the first that answers, else the first whose socket is there, for an engine that starts
 * later is waited for. In the order in which Docker's and Podman's own tools would look.
 *
 * @throws {Error} of one line where there is none, or it may not be used
 */
export async function findEngine({ env, probe = askSocket }: EngineSearch): Promise<string> {
  const states: [path: string, state: SocketState][] = []
  for (const path of usualSockets(env)) {
    const state = await probe(path)
    if (state === 'answers') return `unix://${path}`
    states.push([path, state])
  }
  const [silent] = states.find(([, state]) => state === 'silent') ?? []
  if (silent !== undefined) return `unix://${silent}`
  const [denied] = states.find(([, state]) => state === 'denied') ?? []
  if (denied !== undefined) {
    throw new Error(`No permission to use ${denied}: add this user to the socket's group (docker), then sign in again`)
  }
  throw new Error(`No container engine found on this machine: ${REMEDY}`)
}

/** Where engines listen, rootless ones too. */
export function usualSockets({ HOME: home, XDG_RUNTIME_DIR: runtime }: EngineSearch['env']): string[] {
  return [
    USUAL_SOCKET,
    ...(runtime ? [join(runtime, 'docker.sock')] : []),
    ...(home ? [join(home, '.docker/run/docker.sock'), join(home, '.docker/desktop/docker.sock')] : []),
    '/run/podman/podman.sock',
    ...(runtime ? [join(runtime, 'podman/podman.sock')] : []),
  ]
}

/**
 * Looks at an engine that was named. Null where it answers, else why nothing is sold until it does.
 * @throws {Error} of one line where this user may not use it, which waiting does not change
 */
export async function mayUse(dockerHost: string, probe = askEngine): Promise<string | null> {
  const state = await probe(connectDocker(dockerHost))
  if (state === 'denied') {
    throw new Error(
      `No permission to use ${dockerHost} (--docker-host, DOCKER_HOST): add this user to the socket's group (docker) and sign in again, or name another engine`,
    )
  }
  if (state === 'answers') return null
  const what = state === 'missing' ? 'There is no engine at' : 'No engine answers at'
  return `${what} ${dockerHost} (--docker-host, DOCKER_HOST): nothing is sold until one does`
}

/** What is behind a socket. */
export async function askSocket(socketPath: string): Promise<SocketState> {
  return await askEngine(new Docker({ socketPath, timeout: PROBE_MS }))
}

async function askEngine(docker: DockerClient): Promise<SocketState> {
  try {
    const limit = AbortSignal.timeout(PROBE_MS)
    await Promise.race([
      docker.ping(),
      new Promise((_, reject) => limit.addEventListener('abort', () => reject(limit.reason))),
    ])
    return 'answers'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') return 'missing'
    return code === 'EACCES' ? 'denied' : 'silent'
  }
}
