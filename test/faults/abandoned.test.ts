/** Networks whose processes are all killed, and the next agent of their engine; on an engine of the test's own. */

import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { AsyncDisposableStack } from '@whatwg-node/disposablestack'
import { type LocalNetwork, startLocalNetwork } from '../../scripts/local-network.ts'
import { until } from '../support/until.ts'
import { networkApi } from './support/network-api.ts'
import { ownEngineProblem, startOwnEngine } from './support/own-engine.ts'

const problem = await ownEngineProblem()

describe('what agents leave on an engine', { skip: problem ?? false }, () => {
  it('entry 48: goes with the next agent where nobody comes back for it, and only there', async () => {
    await using stack = new AsyncDisposableStack()
    const engine = stack.use(await startOwnEngine())
    const volumes = [{ name: 'v', mountPath: '/v', size: '1Mi' }]
    const job = { command: ['sh', '-c'], args: ['echo up; sleep 3600'], duration: 3_600, storage: '8Mi', volumes }

    /** With a job that runs, one for all of its processes. */
    async function start(name: string, isPassing: boolean): Promise<{ network: LocalNetwork; id: string }> {
      const network = await startLocalNetwork({
        ...{ dockerHost: engine.host, isPassing },
        gatewayFlags: ['--rate-limit', '0'],
        agents: [{ name, flags: [] }],
      })
      stack.defer(network.stop)
      const api = networkApi(network)
      await api.provider(name, ({ paused }) => paused === null)
      const id = await api.submit(job)
      await api.moreLines(id, 1)
      return { network, id }
    }
    const killAll = async ({ processes }: LocalNetwork): Promise<void> => {
      for (const { pid } of processes) process.kill(pid, 'SIGSTOP')
      await Promise.all(processes.map(({ end }) => end('SIGKILL')))
    }
    const running = async (): Promise<string[]> =>
      (await engine.docker.listContainers()).flatMap(({ Labels: { 'cortex.job': id } }) =>
        id === undefined ? [] : [id],
      )
    const volumesOf = async (id: string): Promise<number> =>
      (await engine.docker.listVolumes({ filters: { label: [`cortex.job=${id}`] } } as object)).Volumes?.length ?? 0

    const passing = await start('passing', true)
    const lasting = await start('lasting', false)
    assert.deepEqual(new Set(await running()), new Set([passing.id, lasting.id]))
    await killAll(passing.network)
    await killAll(lasting.network)

    const next = await start('next', true)
    await until(async () => !(await running()).includes(passing.id))
    await until(async () => (await volumesOf(passing.id)) === 0)
    assert.deepEqual(new Set(await running()), new Set([lasting.id, next.id]), 'an agent may come back to its folder')
    assert.equal(await volumesOf(lasting.id), 1)

    await rm(join(lasting.network.folder, 'lasting'), { recursive: true })
    // It is looked for every half a minute.
    const isGone = async (): Promise<boolean> => !(await running()).includes(lasting.id)
    await until(isGone)
    assert.deepEqual(await running(), [next.id])
  })
})
