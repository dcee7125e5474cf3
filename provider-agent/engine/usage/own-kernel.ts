import type Docker from 'dockerode'

/** Runtimes whose containers use this machine's kernel; a sandbox may have one of its own. Empty: the engine's default. */
const ON_THIS_KERNEL = new Set(['', 'runc', 'crun', 'oci', 'nvidia', 'io.containerd.runc.v2'])

/** Whether a container's programs run on another kernel than this machine's. */
export function hasOwnKernel({ HostConfig: config }: Pick<Docker.ContainerInspectInfo, 'HostConfig'>): boolean {
  return !ON_THIS_KERNEL.has((config as { Runtime?: string }).Runtime ?? '')
}
