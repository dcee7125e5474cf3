import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import type Docker from 'dockerode'
import { canInstall, findProgram, installPackages } from '../../../scripts/apt.ts'

/** Debian's registry on loopback, as people run it in front of a private image. */
export interface RealRegistry {
  /** `127.0.0.1:PORT`. */
  host: string
  /** Copies an image of an engine there, under this name and tag `1`. Answers the reference. */
  push(docker: Docker, image: string, repository: string): Promise<string>
  /** Ends the program; what it holds stays, for {@link startRegistryOn}. */
  stop(): Promise<void>
  /** Removes what it holds, too. */
  close(): Promise<void>
  /** Where its images are. */
  folder: string
}

export interface RealRegistryInit {
  credentials?: { username: string; password: string }
  /** Images of another registry. @default none */
  folder?: string
}

const PACKAGES = { 'docker-registry': 'docker-registry', htpasswd: 'apache2-utils' }

/** Why there can be none here; null where {@link startRealRegistry} may be called. */
export async function registryObstacle(): Promise<string | null> {
  const missing = await missingPackages()
  return missing.length === 0 || (await canInstall())
    ? null
    : `needs ${missing.join(' and ')}, or apt-get to install it`
}

async function missingPackages(): Promise<string[]> {
  const missing = []
  for (const [program, pack] of Object.entries(PACKAGES)) if ((await findProgram(program)) === null) missing.push(pack)
  return missing
}

export async function startRealRegistry(init: RealRegistryInit = {}): Promise<RealRegistry> {
  const missing = await missingPackages()
  if (missing.length > 0) await installPackages(missing, (line) => process.stderr.write(`${line}\n`))
  const own = await mkdtemp(join(tmpdir(), 'cortex-registry-'))
  const folder = init.folder ?? join(own, 'images')
  const config = join(own, 'config.json')
  // Its configuration is YAML, and so may be JSON.
  await writeFile(
    config,
    JSON.stringify({
      version: 0.1,
      log: { level: 'info' },
      storage: { filesystem: { rootdirectory: folder } },
      http: { addr: '127.0.0.1:0' },
      ...(init.credentials === undefined
        ? {}
        : { auth: { htpasswd: { realm: 'test', path: await passwordFile(own, init.credentials) } } }),
    }),
  )
  const child = spawn('docker-registry', ['serve', config], { stdio: ['ignore', 'ignore', 'pipe'] })
  const host = await listening(child)
  const { credentials } = init
  return {
    host,
    folder,
    async push(docker, image, repository) {
      const repo = `${host}/${repository}`
      await docker.getImage(image).tag({ repo, tag: '1' })
      const there = docker.getImage(`${repo}:1`)
      const authconfig = credentials === undefined ? {} : { ...credentials, serveraddress: host }
      const output = await there.push({ authconfig })
      await new Promise<void>((resolve, reject) => {
        docker.modem.followProgress(output, (error: Error | null, events: { error?: string }[]) => {
          const failed = events?.find((event) => event.error !== undefined)
          if (error !== null || failed !== undefined) reject(error ?? new Error(failed?.error))
          else resolve()
        })
      })
      await there.remove()
      return `${repo}:1`
    },
    stop: async () => await end(child),
    async close() {
      await end(child)
      await rm(own, { recursive: true, force: true })
    },
  }
}

async function passwordFile(folder: string, { username, password }: { username: string; password: string }) {
  const { stdout } = await promisify(execFile)('htpasswd', ['-Bbn', '-C', '4', username, password])
  const path = join(folder, 'passwords')
  await writeFile(path, stdout, { mode: 0o600 })
  return path
}

/** Resolves with the address that it says it listens on. */
async function listening(child: ChildProcess): Promise<string> {
  const seen: string[] = []
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream })
  for await (const line of lines) {
    seen.push(line)
    const [, host] = /listening on (127\.0\.0\.1:\d+)/.exec(line) ?? []
    if (host !== undefined) {
      child.stderr?.resume()
      return host
    }
  }
  throw new Error(`docker-registry did not start: ${seen.slice(-3).join(' ')}`)
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}
