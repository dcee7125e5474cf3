import { createHash } from 'node:crypto'

/** Begins the name of every job's bridge, whoever’s job it is: what no job may send to, either. */
export const anyBridge = 'ctxj'

/** Begins the names of the bridges that an agent's jobs get, and of no others on the machine: `ctxj` and 4 hex digits. */
export function bridgePrefix(owner: string): string {
  return `${anyBridge}${digest(owner, 4)}`
}

/**
 * Name of a network's interface on the engine's machine: known beforehand, so that firewall rules can match all of an
 * agent's without a rule for each job. 15 characters, the most that Linux takes.
 */
export function bridgeName(owner: string, network: string): string {
  return `${bridgePrefix(owner)}${digest(network, 7)}`
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length)
}
