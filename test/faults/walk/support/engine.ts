/** Rows that the owner of a machine brings about: engines that end, go away or refuse, and acts behind an agent's back. */

import { once } from 'node:events'
import { Readable } from 'node:stream'
import Docker from 'dockerode'
import type { JobRecord } from '../../../../node/store/index.ts'
import { createKeyedQueue } from '../../../../node/store/keyed-queue.ts'
import type { JobSubmission } from '../../../../protocol/job-spec.ts'
import type { Seller } from '../../../integration/support/market.ts'
import { type EngineProxy, startEngineProxy } from '../../support/engine-proxy.ts'
import { type OwnEngine, startOwnEngine } from '../../support/own-engine.ts'
import { makeSmallDisk, noSmallDisk, type SmallDisk } from '../../support/small-disk.ts'
import { addPair, type Pair, type Stage, type Way, type Ways } from './stage.ts'

const ENDLESS = 'echo ready; while :; do sleep 0.2; done'
/** Room for an engine with one image, in MiB. */
const SMALL_DISK_MIB = 100

/** Rows that use the same sellers so roughly that only one may at a time. */
function inTurn<P>(make: (stage: Stage) => Promise<P>) {
  const turns = createKeyedQueue()
  let made: Promise<P> | undefined
  return (bring: (stage: Stage, parts: P) => Promise<JobRecord>): Way['bring'] =>
    async (stage) =>
      await turns.run('one', async () => {
        made ??= make(stage)
        return await bring(stage, await made)
      })
}

/** Does something to each seller that has the job, and its container. */
async function atEach(
  stage: Stage,
  { sellers }: Pair,
  status: 'scheduled' | 'running',
  act: (which: number, seller: Seller, jobId: string) => Promise<void>,
  wish: Partial<JobSubmission> = {},
): Promise<JobRecord> {
  const { id } = await stage.submit(stage.job(ENDLESS, { secrets: { WORD: 'x' }, ...wish }))
  return await stage.eachAttempt(id, status, async (provider) => {
    const which = sellers.findIndex((one) => one.id === provider)
    const seller = sellers[which]
    if (seller === undefined) throw new Error('The job is at another seller')
    await act(which, seller, id)
  })
}

async function containerOf(docker: Docker, jobId: string): Promise<Docker.Container> {
  const [found] = await docker.listContainers({ filters: { label: [`cortex.job=${jobId}`] } })
  return docker.getContainer(found?.Id ?? '')
}

const plain = inTurn(async ({ market }) => await addPair(market, 'plain', () => ({})))

const agents: Ways = {
  'INTERNAL provider-error': {
    how: 'an agent with a fault in it',
    async bring(stage) {
      stage.fault(() => ({
        create: async () => {
          throw new TypeError('a fault')
        },
      }))
      return await stage.run('true')
    },
  },
  'INTERNAL engine-error': {
    how: 'an engine on which the owner has a container of that name',
    async bring(stage) {
      const { docker, image } = stage.market
      stage.fault((engine) => ({
        async create(spec, options) {
          await docker.createContainer({ name: spec.name, Image: image, Cmd: ['true'] })
          await engine.create(spec, options)
        },
      }))
      return await stage.run('true')
    },
  },
  'INTERNAL stopped-by-provider': {
    how: 'docker kill by the owner',
    async bring(stage) {
      const { id } = await stage.submit(stage.job(ENDLESS))
      return await stage.eachAttempt(id, 'running', async () => {
        await (await containerOf(stage.market.docker, id)).kill()
      })
    },
  },
  'INTERNAL stopped-by-owner': {
    how: 'cortex agent stop by the owner',
    bring: plain(async (stage, pair) => {
      return await atEach(await stage.at(pair), pair, 'running', async (_which, seller, jobId) => {
        await seller.agent.stopJob(jobId, 'the machine is needed')
      })
    }),
  },
  'INTERNAL provider-shutdown': {
    how: 'an agent that is ended with its jobs',
    bring: plain(async (stage, pair) => {
      const ended: Seller[] = []
      const job = await atEach(await stage.at(pair), pair, 'running', async (_which, seller) => {
        ended.push(seller)
        await seller.agent.stop({ stopJobs: true })
      })
      await Promise.all(ended.map(async (seller) => await seller.restart()))
      return job
    }),
  },
  'INTERNAL secrets-lost': {
    how: 'an agent that is started again before it has made the container',
    bring: plain(async (first, pair) => {
      const stage = await first.at(pair)
      const asked = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
      stage.fault((_engine, which) => ({
        async create(_spec, { signal = new AbortController().signal } = {}) {
          asked[which]?.resolve()
          if (!signal.aborted) await once(signal, 'abort')
          throw signal.reason
        },
      }))
      return await atEach(stage, pair, 'scheduled', async (which, seller) => {
        await asked[which]?.promise
        await seller.restart()
      })
    }),
  },
  'INTERNAL stdin-lost': {
    how: 'an agent that is started again while the program has not read all that it is given',
    bring: plain(async (first, pair) => {
      const stage = await first.at(pair)
      const { id } = await stage.node.uploads.begin({ owner: stage.owner, folder: false, name: '', length: null })
      const bytes = Readable.from([Buffer.alloc(2 ** 20)])
      const { sha256 } = await stage.node.uploads.append({ owner: stage.owner, id, offset: 0 }, bytes, true)
      const restart = async (_which: number, seller: Seller): Promise<void> => await seller.restart()
      return await atEach(stage, pair, 'running', restart, { stdin: { upload: `sha256:${sha256}` } })
    }),
  },
}

const remote = inTurn(async ({ market }) => {
  const start = async () => await startEngineProxy(market.socketPath)
  const proxies: [EngineProxy, EngineProxy] = [await start(), await start()]
  for (const { close } of proxies) market.defer(close)
  const at = (which: number): EngineProxy => proxies[which === 0 ? 0 : 1]
  const dockers = [0, 1].map((which) => new Docker({ socketPath: at(which).host.slice('unix://'.length) }))
  return { at, pair: await addPair(market, 'remote', (which) => ({ docker: dockers[which] as Docker })) }
})

const reach: Ways = {
  'INTERNAL engine-unavailable': {
    how: 'an engine that goes away when a container is to be made, and is back when that was given up',
    bring: remote(async (first, { at, pair }) => {
      const stage = await first.at(pair)
      stage.fault((engine, which) => ({
        async create(spec, options) {
          await at(which).vanish()
          await engine.create(spec, options)
        },
        async remove(name, options) {
          await at(which).recover()
          await engine.remove(name, options)
        },
      }))
      return await stage.run('true')
    }),
  },
  'INTERNAL container-lost': {
    how: 'docker rm -f by the owner while the agent does not reach the engine',
    bring: remote(async (stage, { at, pair }) => {
      return await atEach(await stage.at(pair), pair, 'running', async (which, _seller, jobId) => {
        const container = await containerOf(stage.market.docker, jobId)
        await at(which).vanish()
        await container.remove({ force: true })
        await at(which).recover()
      })
    }),
  },
}

/** Each seller with an engine of its own, on a small disk of its own. */
const own = inTurn(async ({ market }) => {
  const start = async (): Promise<{ disk: SmallDisk; engine: OwnEngine }> => {
    const disk = await makeSmallDisk(SMALL_DISK_MIB)
    market.defer(disk.unmount)
    const engine = await startOwnEngine({ where: disk.folder })
    market.defer(async () => await engine[Symbol.asyncDispose]())
    return { disk, engine }
  }
  const machines = await Promise.all([start(), start()])
  const at = (which: number) => machines[which === 0 ? 0 : 1]
  return { at, pair: await addPair(market, 'own', (which) => ({ docker: at(which).engine.docker })) }
})

function ownEngines(skip: string | false): Ways {
  return {
    'INTERNAL engine-stopped': {
      how: 'an engine that is killed, and started again',
      skip,
      bring: own(async (stage, { at, pair }) => {
        return await atEach(await stage.at(pair), pair, 'running', async (which) => {
          await at(which).engine.end('SIGKILL')
          await at(which).engine.start()
        })
      }),
    },
    'RESOURCE_LIMIT_EXCEEDED no-space': {
      how: 'an engine whose disk is full when the container is made',
      skip,
      bring: own(async (first, { at, pair }) => {
        const stage = await first.at(pair)
        stage.fault((engine, which) => ({
          async create(spec, options) {
            await at(which).disk.fill()
            await engine.create(spec, options).finally(at(which).disk.clear)
          },
        }))
        return await stage.run('true')
      }),
    },
  }
}

/** @param problem why no engine of the test's own can be started; null where one can */
export function engineWays(problem: string | null): Ways {
  return { ...ownEngines(problem ?? noSmallDisk), ...reach, ...agents }
}
