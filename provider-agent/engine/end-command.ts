/** Ends a command in a container that nobody hears any more: engines cannot, their kernel can. */

import { readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type Docker from 'dockerode'
import { controlGroup, processesIn, processFolder } from './usage/kernel-view.ts'

/** How long it may take to end by itself once its terminal is gone, in ms. */
const GRACE_MS = 2_000
const LOOK_MS = 50

/** How long an engine may take from saying yes to a command to knowing its process, in ms: seconds on a busy machine. */
const BEGIN_MS = 60_000

/**
 * Ends a command that an engine was asked to run. It answers before the command has begun, and output may come before the
 * engine says which process it is; until then there is nothing to end, and a moment later there would be nobody to do it.
 */
export async function endExec(exec: Pick<Docker.Exec, 'inspect'>): Promise<void> {
  for (let waitedMs = 0; waitedMs < BEGIN_MS; waitedMs += LOOK_MS) {
    const { Pid: pid, ContainerID: container, Running: running, ExitCode: exitCode } = await exec.inspect()
    if (!running && exitCode !== null) return
    if (running && pid > 0) return await endCommand({ container, pid })
    await delay(LOOK_MS)
  }
}

/**
 * Ends a process of a container and all that it started, as a terminal that closes does, and what has not ended then by
 * force. What runs on another machine, or is another user's, goes on.
 *
 * @param command.pid this machine's number of it, as the engine tells
 */
async function endCommand(command: { container: string; pid: number }): Promise<void> {
  const { container, pid } = command
  const folder = await processFolder({ Id: container, State: { Pid: pid } })
  // Asked for while the command is there: what it started may outlive it.
  const group = folder === null ? null : await controlGroup(folder, 'pids')
  if (group === null) return
  let tree = await withChildren(group, [pid])
  signalAll(tree, 'SIGHUP')
  for (let waitedMs = 0; tree.length > 0; waitedMs += LOOK_MS) {
    await delay(LOOK_MS)
    tree = await withChildren(group, tree)
    if (waitedMs >= GRACE_MS) {
      signalAll(tree, 'SIGKILL')
      return
    }
  }
}

/** Those of these processes that are in the container still, and what they started. */
async function withChildren(group: string, pids: number[]): Promise<number[]> {
  const all = await processesIn(group)
  const parents = new Map(await Promise.all(all.map(async (pid) => [pid, await parentOf(pid)] as const)))
  const tree = new Set(pids.filter((pid) => parents.has(pid)))
  for (let before = -1; before < tree.size; ) {
    before = tree.size
    for (const [pid, parent] of parents) if (tree.has(parent)) tree.add(pid)
  }
  return [...tree]
}

/** 0 where it has ended. */
async function parentOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  return Number(/^PPid:\s+(\d+)$/m.exec(status)?.[1] ?? 0)
}

function signalAll(pids: number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal)
    } catch {
      // It has just ended, or this user may not: then it goes on, as after `docker exec`.
    }
  }
}
