/** What went over a container's network, as the kernel counts it at the bridge that it has for itself. */

import { readFile } from 'node:fs/promises'
import type Docker from 'dockerode'
import { bridgeName } from '../../networks/bridge-name.ts'
import { sandboxOf } from '../../networks/network-mode.ts'
import { askEngine } from '../ask-engine.ts'
import { checkName } from '../container/spec.ts'
import type { AbortOptions, ReadTraffic } from '../index.ts'
import { ownerLabel } from '../labels.ts'

/** See `ContainerEngine.traffic`. */
export async function trafficOf(docker: Docker, name: string, { signal }: AbortOptions = {}): Promise<ReadTraffic> {
  checkName(name)
  const { HostConfig: config, Config: own } = await askEngine(`looking at the network of ${name}`, signal, (abort) =>
    docker.getContainer(name).inspect(abort),
  )
  const network = sandboxOf(config.NetworkMode, own.Labels)?.name ?? config.NetworkMode ?? ''
  const folder = `/sys/class/net/${bridgeName(own.Labels[ownerLabel] ?? '', network)}/statistics`
  return async () => {
    const counts = await Promise.all(['rx_bytes', 'tx_bytes'].map(async (file) => await countIn(`${folder}/${file}`)))
    return counts.reduce<number | null>((sum, count) => (sum === null || count === null ? null : sum + count), 0)
  }
}

async function countIn(file: string): Promise<number | null> {
  const text = await readFile(file, 'utf8').catch(() => '') // the bridge is another machine's, or gone
  return /^\d+\s*$/.test(text) ? Number(text) : null
}
