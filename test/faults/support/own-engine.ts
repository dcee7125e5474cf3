/** A container engine of a test's own, to be killed and stopped, in a network namespace of its own. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { findProgram } from '../../../scripts/apt.ts'
import { type Dockerd, startDockerd } from '../../../scripts/dockerd.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { ensureBusyboxImage } from '../../../scripts/image.ts'
import { unmountUnder } from '../../support/unmount.ts'
import { endShims } from './end-shims.ts'

export interface OwnEngine extends AsyncDisposable {
  docker: Docker
  /** For `DOCKER_HOST`. */
  host: string
  folder: string
  /** Sends the signal and waits for its end; SIGTERM is an orderly stop. */
  end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void>
  /** Starts it again, after its end. */
  start(): Promise<void>
}

/** Null where one can be started; else why not, for the title of a skipped test. */
export async function ownEngineProblem(): Promise<string | null> {
  // The one that other tests use is brought up first, which installs it where it can.
  const shared = await ensureEngine()
  await shared.stop()
  const isReady = process.getuid?.() === 0 && (await findProgram('dockerd')) !== null
  return isReady ? null : 'needs root and dockerd, to start an engine of its own'
}

export interface OwnEngineInit {
  /** Further ones of `dockerd`, e.g. `--live-restore`. @default none */
  flags?: string[]
  /** The network namespace that it shares with others, by its name. @default one of its own */
  space?: string | undefined
  /** Folder in which all that it has is kept. @default the system's for temporary files */
  where?: string
  /** Folders with its programs, before those of `PATH`. @default none */
  programs?: string[]
  /** Its `daemon.json`. @default empty */
  config?: object
}

/** Starts one with the busybox image. */
export async function startOwnEngine(init: OwnEngineInit = {}): Promise<OwnEngine> {
  const { flags = [], space, where = tmpdir(), programs = [], config = {} } = init
  const folder = await mkdtemp(join(where, 'cortex-engine-'))
  await using undo = new AsyncDisposableStack()
  undo.defer(async () => {
    await unmountUnder(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 20 })
  })
  const socketPath = join(folder, 'docker.sock')
  const docker = new Docker({ socketPath })
  // `ip netns exec` would hide the control groups.
  const enter: [string, string] = space === undefined ? ['unshare', '--net'] : ['nsenter', `--net=/run/netns/${space}`]
  const start = async (): Promise<Dockerd> =>
    await startDockerd({
      dataRoot: join(folder, 'data'),
      runDir: folder,
      socketPath,
      command: [
        ...enter,
        'env',
        `PATH=${[...programs, process.env.PATH].join(':')}:/usr/sbin:/sbin`,
        'dockerd',
        ...flags,
      ],
      config,
      answers: async () => (await docker.ping().catch(() => null)) !== null,
      report: () => {},
    })
  let dockerd: Dockerd | null = await start()
  undo.defer(async () => {
    // Where it is gone, why it is gone is what the test has to say.
    for (const { Id } of await docker.listContainers({ all: true }).catch(() => [])) {
      await docker
        .getContainer(Id)
        .remove({ force: true })
        .catch(() => undefined) // on its way already
    }
    await dockerd?.stop()
    endShims(folder)
  })
  await ensureBusyboxImage(docker)
  const all = undo.move()
  return {
    docker,
    host: `unix://${socketPath}`,
    folder,
    async end(signal) {
      if (signal === 'SIGKILL' && dockerd !== null) process.kill(dockerd.pid, 'SIGKILL')
      await dockerd?.stop()
      dockerd = null
    },
    async start() {
      dockerd ??= await start()
    },
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  }
}
