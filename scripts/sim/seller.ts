import { tmpdir } from 'node:os'
import type { PrivateKey } from '@libp2p/interface'
import { MemoryLevel } from 'memory-level'
import type { Clock } from '../../node/clock.ts'
import { silentLogger } from '../../node/logger.ts'
import type { PeerNetwork } from '../../node/network/index.ts'
import type { Database } from '../../node/store/database.ts'
import type { Prices } from '../../protocol/money.ts'
import { type Agent, createAgent } from '../../provider-agent/agent.ts'
import { createFakeEngine, type FakeEngine } from '../../test/support/fake-engine.ts'

export const MARKET = 'sim'

export interface SellerInit {
  clock: Clock
  network: PeerNetwork
  privateKey: PrivateKey
  /** Takes its announcements. */
  announce: (statement: Uint8Array) => Promise<void>
  /** How many sell. */
  providers: number
  /** @default those of everybody */
  prices?: Prices
  /** What becomes of its containers. @default they end as they start */
  script?: FakeEngine['script']
}

/** A provider agent as it is sold, on an engine that runs nothing: its containers end as they start. */
export async function startSeller(init: SellerInit): Promise<Agent> {
  const { clock, network, privateKey, announce, providers, prices, script = () => ({ runMs: 0 }) } = init
  const engine = createFakeEngine({ clock })
  engine.script = script
  const agent = createAgent(
    {
      ...{ engine, network, privateKey, clock, announce, logger: silentLogger },
      inspect: async (info) => ({ ...info, freeStorageBytes: 100 * 2 ** 30, gpus: [] }),
      freeBytes: async () => 100 * 2 ** 30,
      openDatabase: async () => new MemoryLevel<string, string>() as unknown as Database,
      diskProblem: async () => null,
      providersOnline: () => providers,
    },
    { marketName: MARKET, dataFolder: tmpdir(), healthMs: 5_000, ...(prices === undefined ? {} : { prices }) },
  )
  await agent.start()
  return agent
}
