/** What `cortex doctor agent` looks at: the engine, and what keeps jobs from the machine. */

import { type Check, type Finding, fine, wrong } from '../../node/doctor/check.ts'
import type { CheckView } from '../control/views.ts'

/** What the checks are told of an agent. */
export interface AgentChecksInit {
  /** Its own folder. */
  folder: string
  /** Whether it runs. */
  isRunning: boolean
  /** As `--docker-host` names it. @default the machine's own */
  dockerHost?: string
}

/** Under these names `cortex agent check` tells of what the checks here can only guess before it runs. */
const OF_AGENT = {
  ready: 'agent',
  announcing: 'announcing',
  connectivity: 'peers',
  clock: 'clock',
  isolation: 'firewall',
  walls: 'walls',
  storage: 'quotas',
  gpus: 'gpus',
} as const

/** Storage drivers under which no container is held to a size, whatever the disk. */
const WITHOUT_QUOTA = /^(vfs|aufs|overlay)$/

/** The engine, and what a running agent says of itself; before one runs, what it would meet. */
export function agentChecks(init: AgentChecksInit): Check[] {
  const engine: Check = { name: 'engine', run: async (signal) => await engineFindings(init, signal) }
  const own: Check = init.isRunning ? runningCheck(init.folder) : firewallCheck()
  return [engine, own]
}

async function engineFindings({ dockerHost, isRunning }: AgentChecksInit, signal: AbortSignal): Promise<Finding[]> {
  const [{ findEngine, mayUse }, { connectDocker }, { readProperties }] = await Promise.all([
    import('../engine/find-engine.ts'),
    import('../engine/connect.ts'),
    import('../engine/engine-properties.ts'),
  ])
  const named = dockerHost === '' ? undefined : dockerHost
  const host = named ?? (await findEngine({ env: process.env }))
  const silent = await mayUse(host)
  if (silent !== null) {
    const [found = ''] = silent.split(': ')
    return [{ check: 'engine', state: 'fail', found, remedy: 'start it, or name another with --docker-host' }]
  }
  const { info, runtimes, isPodman, hasInit } = await readProperties(connectDocker(host), { signal })
  const { version, architecture, storageDriver, cgroupVersion } = info
  const what = `${isPodman ? 'Podman' : 'Docker'} ${version} for ${architecture}, control groups ${cgroupVersion}`
  return [
    fine('engine', `${what}, on ${host}`),
    runtimes.length === 0
      ? wrong('runtimes', 'warn', 'the engine names none: see its own configuration')
      : fine('runtimes', `${runtimes.join(', ')}${hasInit ? '' : '; no init of its own'}`),
    // Told by the agent itself, which tried, where one runs.
    ...(isRunning ? [] : [quotasFinding(storageDriver)]),
  ]
}

/** By the driver's name alone: trying it would make an image. */
function quotasFinding(driver: string): Finding {
  const name = 'quotas'
  if (!WITHOUT_QUOTA.test(driver)) {
    return fine(name, `the engine stores by ${driver}: the agent tries at its start whether that holds jobs to sizes`)
  }
  const found = `the engine stores by ${driver}, which holds no job to its storage: use is measured every few seconds`
  return { check: name, state: 'warn', found, remedy: 'put XFS with pquota, or btrfs, under the engine' }
}

function firewallCheck(): Check {
  const name = 'firewall'
  return {
    name,
    async run() {
      const { tryRules } = await import('../isolation/firewall.ts')
      try {
        await tryRules()
        return fine(name, 'rules between jobs and the network around them can be set')
      } catch (error) {
        const found = `rules around jobs cannot be set: ${(error as Error).message}`
        return { check: name, state: 'warn', found, remedy: 'install iptables, and run the agent as root' }
      }
    },
  }
}

/** What it says of itself; what it would ask for a job is for `cortex agent check`. */
function runningCheck(folder: string): Check {
  return {
    name: 'agent',
    async run() {
      const { askPart } = await import('../../node/control/client.ts')
      const { findings } = await askPart<CheckView>({ part: 'agent', dataFolder: folder }, 'GET /check')
      return findings.flatMap(({ subject, level, text }) => {
        const name = (OF_AGENT as Record<string, string>)[subject]
        if (name === undefined) return []
        if (level === 'ok') return [fine(name, text)]
        return [wrong(name, level === 'problem' ? 'fail' : 'warn', text)]
      })
    },
  }
}
