/**
 * The control group of all jobs of an agent, which weighs less than the owner's own programs: while both want the processor or
 * the disk, theirs go first. See docs/decisions/0076-the-owners-work-first.md.
 */

import { access, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from '../../node/exists.ts'
import { bridgePrefix } from '../networks/bridge-name.ts'
import { runProgram } from '../system-program.ts'
import { ownShares } from './shares.ts'

/** What of an engine decides how its groups are made. */
export interface GroupSetting {
  cgroupVersion: 1 | 2
  /** Whether systemd makes the engine's groups; else the engine itself does. */
  bySystemd: boolean
}

/** The group, from when it is first asked for. */
export interface JobGroup {
  /**
   * Makes it, or puts back what somebody changed. Its name, as the engine takes it for a container's parent; null where it
   * cannot be made, as without root.
   */
  ensure(setting: GroupSetting): Promise<string | null>
  /** Why there is none, for people; null while there is. */
  problem(): string | null
  /** Removes it where no job is in it. */
  stop(): Promise<void>
}

/** Whose group, and what it weighs. */
export interface JobGroupInit {
  /** Peer id of the agent. */
  owner: string
  /** What all jobs together weigh where any program of the owner's weighs 100. Range 1..99. */
  weight: number
  /** Where control groups are. @default '/sys/fs/cgroup' */
  root?: string
  /** Runs `systemctl`. @default this machine's */
  systemctl?: (args: string[]) => Promise<unknown>
}

/** Makes nothing before {@link JobGroup.ensure}. */
export function createJobGroup(init: JobGroupInit): JobGroup {
  const {
    owner,
    weight,
    root = '/sys/fs/cgroup',
    systemctl = async (args) => await runProgram('systemctl', args),
  } = init
  const name = bridgePrefix(owner)
  let isAsked = false
  let problem: string | null = 'the engine’s containers are elsewhere, or it is no Docker engine'

  async function setBySystemd(): Promise<void> {
    // Once: systemd keeps it. It makes a slice that it has no file of.
    if (!isAsked) {
      await systemctl(['set-property', '--runtime', `${name}.slice`, `CPUWeight=${weight}`, `IOWeight=${weight}`])
    }
    isAsked = true
  }

  async function setFirst(): Promise<void> {
    const cpu = await madeIn('cpu')
    await put(join(cpu, 'cpu.shares'), ownShares(weight))
    const disk = await madeIn('blkio').catch(() => null) // A kernel without it: then nothing weighs who uses disks.
    if (disk !== null) await putIfThere(join(disk, 'blkio.bfq.weight'), weight)
  }

  async function setSecond(): Promise<void> {
    for (const kind of ['cpu', 'io']) await writeFile(join(root, 'cgroup.subtree_control'), `+${kind}`)
    const folder = await madeIn('')
    await put(join(folder, 'cpu.weight'), weight)
    for (const file of ['io.weight', 'io.bfq.weight']) await putIfThere(join(folder, file), weight)
  }

  async function madeIn(kind: string): Promise<string> {
    const folder = join(root, kind, name)
    await access(join(root, kind)) // Not to make a folder where there are no control groups.
    await mkdir(folder, { recursive: true })
    return folder
  }

  return {
    async ensure({ cgroupVersion, bySystemd }) {
      try {
        if (bySystemd) await setBySystemd()
        else await (cgroupVersion === 1 ? setFirst() : setSecond())
        problem = null
        return bySystemd ? `${name}.slice` : `/${name}`
      } catch (error) {
        problem = `no group of their own can be made for them: ${(error as Error).message}`
        return null
      }
    },
    problem: () => problem,
    stop: async () => await removeJobGroup(owner, root),
  }
}

/**
 * Removes an agent's group where no job is in it. With cgroup 1 the engine has made one of the same name beside each kind that it
 * limits, not only where jobs are weighed.
 * @param root where control groups are
 */
export async function removeJobGroup(owner: string, root = '/sys/fs/cgroup'): Promise<void> {
  const name = bridgePrefix(owner)
  const kinds = await readdir(root, { withFileTypes: true }).catch(() => [])
  const folders = kinds.filter((kind) => kind.isDirectory()).map((kind) => join(root, kind.name, name))
  // One that is in use stays, and nothing else: the kernel removes no group that has anybody in it.
  for (const folder of [join(root, name), ...folders]) await rmdir(folder).catch(() => undefined)
}

/** Writes nothing where it says so already, which it does but for the first time. */
async function put(file: string, value: number): Promise<void> {
  const now = await readFile(file, 'utf8').catch(() => '') // it is written then, or that says what is wrong
  // The kernel shows it as `default 10` where it can be another for each disk.
  if (
    now
      .replace(/^default /, '')
      .trim()
      .split('\n')[0] !== String(value)
  )
    await writeFile(file, String(value))
}

/** Kernels without a scheduler that weighs have no such file. */
async function putIfThere(file: string, value: number): Promise<void> {
  if (await exists(file)) await put(file, value)
}
