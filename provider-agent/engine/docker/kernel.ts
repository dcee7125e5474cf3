/** Which kernel a container has: what tells a wall that has one of its own from one that says so. */

import { randomBytes } from 'node:crypto'
import type Docker from 'dockerode'
import { PLAIN_RUNTIMES } from '../../isolation/walls.ts'
import { TELL } from '../../sandbox/image.ts'
import type { Abort } from '../ask-engine.ts'
import { ownerLabel } from '../labels.ts'
import { removeContainer } from '../removal.ts'

/** What a program of ours said of its kernel; null is what that kernel does not say. */
export interface Kernel {
  /** Another each time that a kernel starts, whatever kernel it is. */
  bootId: string | null
  /** All of `/proc/version`. */
  version: string | null
}

/** How long the removal of a container may take, in ms. */
const REMOVE_MS = 30_000
/** Podman would give it more than the machine may allow. */
const OPEN_FILES = 1_024
const BOOT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** @param lines of `KERNEL_FILES`, each where it is there */
export function readKernel(lines: readonly string[]): Kernel {
  const bootId = lines.find((line) => BOOT_ID.test(line)) ?? null
  return { bootId, version: lines.find((line) => line !== '' && line !== bootId) ?? null }
}

/** Two machines may run one version, and one machine is not started twice at a time. What says nothing is not known to be another. */
export function isSameKernel(one: Kernel, other: Kernel): boolean {
  if (one.bootId !== null && other.bootId !== null) return one.bootId === other.bootId
  return one.version === null || other.version === null || one.version === other.version
}

/**
 * The kernel of the engine's machine, as a container says it that shares it: the engine may be elsewhere, or in a virtual
 * machine itself.
 *
 * @param init.runtimes that the engine has
 */
export async function machineKernel(
  docker: Docker,
  { image, owner, runtimes }: { image: string; owner: string; runtimes: readonly string[] },
  abort: Abort,
): Promise<Kernel> {
  const runtime = runtimes.find((name) => PLAIN_RUNTIMES.has(name))
  const container = await docker.createContainer({
    ...{ name: `cortex-proof-${randomBytes(6).toString('hex')}`, Image: image, Entrypoint: [TELL] },
    ...{ Labels: { [ownerLabel]: owner }, User: '65534:65534', Tty: true },
    HostConfig: {
      ...{ NetworkMode: 'none', CapDrop: ['ALL'], SecurityOpt: ['no-new-privileges'], ReadonlyRootfs: true },
      ...{ LogConfig: { Type: 'json-file', Config: {} }, RestartPolicy: { Name: 'no' } },
      Ulimits: [{ Name: 'nofile', Soft: OPEN_FILES, Hard: OPEN_FILES }],
      ...(runtime === undefined ? {} : { Runtime: runtime }),
    },
    ...abort,
  } as Docker.ContainerCreateOptions)
  try {
    await container.start(abort)
    await container.wait(abort)
    const said = await container.logs({ stdout: true, follow: false, ...abort })
    return readKernel(said.toString('utf8').trim().split(/\r?\n/).slice(1))
  } finally {
    await removeContainer(container, { abortSignal: AbortSignal.timeout(REMOVE_MS) }).catch(() => undefined) // found later, as all that no lease needs
  }
}
