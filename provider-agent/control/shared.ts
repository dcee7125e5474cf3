/** What jobs have in common with the machine under them, whatever each is held to. */

import { readFile } from 'node:fs/promises'
import type { Finding } from './finding.ts'

/** What {@link readShared} finds on this machine. */
export interface Shared {
  /** The kernel's limits that all programs of one user share, those of containers with them; null where jobs have another kernel. */
  limits: { inotifyInstances: number; terminals: number } | null
  /** Whether one job can take no more than its share of the connections that the machine tracks. */
  connectionsAreCounted: boolean
}

/** @param sharesKernel whether any job has the machine's own */
export async function readShared(sharesKernel: boolean, connectionsAreCounted: boolean): Promise<Shared> {
  const [inotifyInstances, terminals] = await Promise.all([
    settingOf('fs/inotify/max_user_instances'),
    settingOf('kernel/pty/max'),
  ])
  const isKnown = sharesKernel && inotifyInstances !== null && terminals !== null
  return { limits: isKnown ? { inotifyInstances, terminals } : null, connectionsAreCounted }
}

async function settingOf(name: string): Promise<number | null> {
  const text = await readFile(`/proc/sys/${name}`, 'utf8').catch(() => '') // no Linux
  return /^\d+\s*$/.test(text) ? Number(text) : null
}

/** No container engine bounds these: see docs/decisions/0049-what-jobs-share.md. */
export function sharedFinding({ limits, connectionsAreCounted }: Shared): Finding {
  const subject = 'shared'
  const tracked = connectionsAreCounted
    ? []
    : ['the connections that the machine tracks (rules with connlimit need root and the kernel’s match)']
  if (limits === null) {
    if (connectionsAreCounted) return { subject, level: 'ok', text: 'jobs have a kernel of their own' }
    return { subject, level: 'note', text: `a job can use up ${tracked.join()}` }
  }
  const { inotifyInstances, terminals } = limits
  const what = [`inotify instances (${inotifyInstances} for root in all)`, `terminals (${terminals})`, 'file locks']
  const remedy =
    'raise fs.inotify.max_user_instances and kernel.pty.max, or sell stronger walls alone (--runtime runsc)'
  return { subject, level: 'note', text: `a job can use up ${[...tracked, ...what].join(', ')}: ${remedy}` }
}
