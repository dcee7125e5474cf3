/**
 * Links on which packets are late or lost. The kernel's own means, `tc netem`, is not in every kernel; a TUN device is, and
 * a few lines of Python hold the packets.
 */

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Namespaces } from './namespaces.ts'

const run = promisify(execFile)
const TABLE = '100'

/** Why there can be no such links here; null where there can. */
export async function roughLinkProblem(): Promise<string | null> {
  if (!existsSync('/dev/net/tun')) return 'needs TUN devices'
  return await run('python3', ['--version']).then(
    () => null,
    () => 'needs python3',
  )
}

/** Makes every packet between the namespaces `delayMs` late, and loses a share of them, until disposed of. */
export async function roughen(
  { router }: Namespaces,
  { delayMs, lost }: { delayMs: number; lost: number },
): Promise<AsyncDisposable> {
  const ip = (...words: string[]) => run('ip', ['-n', router.space, ...words])
  const script = join(import.meta.dirname, 'rough-link.py')
  const link = spawn(
    'ip',
    ['netns', 'exec', router.space, 'python3', script, 'rough', String(delayMs / 1_000), String(lost)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await Promise.race([once(link.stdout, 'data'), once(link, 'exit')])
  if (link.exitCode !== null) throw new Error('The rough link did not start')
  await ip('link', 'set', 'rough', 'up')
  const anyWay = 'for file in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 > $file; done'
  await run('ip', ['netns', 'exec', router.space, 'sh', '-c', anyWay])
  await ip('route', 'add', 'default', 'dev', 'rough', 'table', TABLE)
  for (const name of router.links) await ip('rule', 'add', 'iif', name, 'lookup', TABLE)
  return {
    async [Symbol.asyncDispose]() {
      if (link.exitCode !== null || link.signalCode !== null) return
      for (const name of router.links) await ip('rule', 'del', 'iif', name, 'lookup', TABLE)
      link.kill()
      await once(link, 'exit')
    },
  }
}
