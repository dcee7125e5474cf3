import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { access, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import Docker from 'dockerode'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'
import { busyboxImage, ensureBusyboxImage } from '../../../scripts/image.ts'
import { unmountUnder } from '../../support/unmount.ts'

export interface Podman {
  docker: Docker
  /** Name of an image that has busybox and is present. */
  image: string
  stop(): Promise<void>
}

/** Its init and its network are recommendations of the package only. */
const PACKAGES = { podman: 'podman', catatonit: 'catatonit', netavark: 'netavark', runc: 'runc' }
const START_MS = 300_000

/** Why there can be no Podman here; null where {@link startPodman} may be called. */
export async function podmanObstacle(): Promise<string | null> {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'needs root on Linux, for a Podman of its own'
  if ((await findProgram('podman')) !== null || (await canInstall())) return null
  return 'needs podman, or apt-get to install it'
}

/**
 * A Podman of its own: own storage, own network namespace, no configuration of the machine. With runc, because crun 1.8
 * refuses machines that have both versions of control groups mounted, as some virtual machines have.
 */
export async function startPodman(): Promise<Podman> {
  const missing = []
  for (const [name, pack] of Object.entries(PACKAGES)) {
    const folder = name === 'podman' || name === 'runc' ? '' : name === 'catatonit' ? 'libexec' : 'lib'
    const there = folder === '' ? await findProgram(name) : await isFile(`/usr/${folder}/podman/${name}`)
    if (!there) missing.push(pack)
  }
  if (missing.length > 0) await installPackages(missing, (line) => process.stderr.write(`${line}\n`))
  const folder = await mkdtemp(join(tmpdir(), 'cortex-podman-'))
  const [storage, containers, socket] = ['storage.conf', 'containers.conf', 'podman.sock'].map((name) =>
    join(folder, name),
  )
  await writeFile(
    storage as string,
    `[storage]\ndriver = "overlay"\ngraphroot = "${folder}/root"\nrunroot = "${folder}/run"\n`,
  )
  await writeFile(
    containers as string,
    `[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\nruntime = "runc"\n[network]\nnetwork_config_dir = "${folder}/net"\n`,
  )
  const service = spawn('unshare', ['--net', 'podman', 'system', 'service', '--time=0', `unix://${socket}`], {
    env: { PATH: `${process.env.PATH}:/usr/sbin`, CONTAINERS_STORAGE_CONF: storage, CONTAINERS_CONF: containers },
    cwd: folder, // where it puts a file of its own when a container is out of memory
    stdio: 'ignore',
  })
  const docker = new Docker({ socketPath: socket as string })
  await untilAnswering(docker, service)
  await ensureBusyboxImage(docker)
  // Podman 4 forgets the tag of an image that is imported.
  const [repo, tag] = busyboxImage.split(':')
  await docker.getImage(`${repo}:latest`).tag({ repo: repo as string, tag: tag as string })
  return {
    docker,
    image: busyboxImage,
    async stop() {
      service.kill('SIGTERM')
      if (service.exitCode === null && service.signalCode === null) await once(service, 'exit')
      await unmountUnder(folder)
      // What cleans up after containers may still write there.
      await rm(folder, { recursive: true, force: true, maxRetries: 20 })
    },
  }
}

async function untilAnswering(docker: Docker, service: ChildProcess): Promise<void> {
  const lateAt = performance.now() + START_MS
  for (;;) {
    const answers = await docker.ping().then(
      () => true,
      () => false,
    )
    if (answers) return
    if (service.exitCode !== null || performance.now() > lateAt) throw new Error('podman system service did not start')
    await delay(50)
  }
}

async function isFile(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}
