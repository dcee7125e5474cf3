/**
 * Docker 26.1 of Debian 13, beside the engine that other tests use; with this machine's own runc and iptables.
 * `node test/integration/support/docker-26.ts run.test.ts …` runs files of `test/integration` on it.
 */

import { join } from 'node:path'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import Docker from 'dockerode'
import { ensureDebianImage } from '../../../scripts/debian-image.ts'
import { unpackPackages } from '../../../scripts/debian-packages.ts'
import { ensureEngine } from '../../../scripts/engine.ts'
import { type FileResult, runFile } from '../../../scripts/testing/run-file.ts'
import { createNamespaces, namespaceProblem } from '../../faults/support/namespaces.ts'
import { ownEngineProblem, startOwnEngine } from '../../faults/support/own-engine.ts'

const FOLDER = '/var/cache/cortex-dev-docker-26'
/** For one file of tests, in ms. */
const FILE_MS = 20 * 60_000

export interface Docker26 extends AsyncDisposable {
  /** Runs a file of tests with this as their engine, where its networks are. */
  runFile(file: string): Promise<FileResult>
  /** Has it hold the image of servers, which cannot be made where it is: from there no packages are reached. */
  bringServers(): Promise<void>
  version(): Promise<string>
  /** 1 or 2. */
  cgroups(): Promise<string | undefined>
}

/** Folders with its programs, which are fetched the first time; or why there are none. */
export async function docker26Programs(): Promise<{ programs: string[] } | { problem: string }> {
  const problem = (await ownEngineProblem()) ?? (await namespaceProblem())
  if (problem !== null) return { problem }
  try {
    const packages = ['docker.io', 'containerd', 'tini']
    const root = await unpackPackages({ suite: 'trixie', packages, folder: FOLDER }, (line) => console.error(line))
    return { programs: ['usr/sbin', 'usr/bin'].map((folder) => join(root, folder)) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** @param config its `daemon.json`. @default empty */
export async function startDocker26(programs: string[], config: object = {}): Promise<Docker26> {
  await using stack = new AsyncDisposableStack()
  const spaces = await createNamespaces(['docker'])
  stack.use(spaces)
  const { space } = spaces.agent('docker')
  const { docker, host } = stack.use(await startOwnEngine({ programs, space, config }))
  const all = stack.move()
  return {
    async runFile(file) {
      return await runFile(join(import.meta.dirname, '..', file), {
        ...{ timeoutMs: FILE_MS, command: ['nsenter', `--net=/run/netns/${space}`] },
        env: { DOCKER_HOST: host, CORTEX_TEST_DOCKER_HOST: host },
      })
    },
    async bringServers() {
      const shared = await ensureEngine()
      try {
        const from = new Docker({ socketPath: shared.socketPath })
        const image = await ensureDebianImage(from, () => undefined)
        if (image === null) return
        const output = await docker.loadImage(await from.getImage(image).get())
        await new Promise((resolve, reject) => {
          docker.modem.followProgress(output, (error: Error | null) => (error === null ? resolve(null) : reject(error)))
        })
      } finally {
        await shared.stop()
      }
    },
    version: async () => (await docker.version()).ApiVersion,
    cgroups: async () => (await docker.info()).CgroupVersion,
    [Symbol.asyncDispose]: async () => await all.disposeAsync(),
  }
}

if (import.meta.main) {
  const found = await docker26Programs()
  if ('problem' in found) throw new Error(found.problem)
  await using engine = await startDocker26(found.programs)
  await engine.bringServers()
  for (const file of process.argv.slice(2)) {
    const { tests, problems, output } = await engine.runFile(file)
    process.stdout.write(`${file}\n${output}\n${problems.join('\n')}\n`)
    if (problems.length > 0 || tests.some(({ type }) => type === 'failed')) process.exitCode = 1
  }
}
