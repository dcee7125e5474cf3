/** An agent that asks for volumes that stay, and what a requester says to it about them. */

import { systemClock } from '../../../../node/clock.ts'
import { askProvider, volumesAt } from '../../../../node/volumes/ask-provider.ts'
import { createVolumeFiles } from '../../../../node/volumes/volume-files.ts'
import { encode } from '../../../../protocol/codec.ts'
import { VolumeReceiptSchema } from '../../../../protocol/gen/cortex/v1/volumes_pb.js'
import type { JobSubmission } from '../../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../../protocol/job-volumes.ts'
import { signStatement } from '../../../../protocol/statements.ts'
import { GIB } from '../../../../protocol/units.ts'
import { costOfKept } from '../../../../protocol/volume-receipts.ts'
import type { ContainerAccess } from '../../../../provider-agent/engine/access.ts'
import { EngineError } from '../../../../provider-agent/engine/index.ts'
import { DEFAULT_PRICES } from '../../../../provider-agent/prices/default-prices.ts'
import { type AgentRig, createAgentRig, type Running } from '../../../support/agent-rig.ts'
import { MARKET } from '../../../support/test-requester.ts'

export const HOUR = 3_600
export const HOUR_MS = HOUR * 1_000
export const DAY_MS = 24 * HOUR_MS
/** Nano-dollars for a GB and hour. */
export const PRICE = 1_000_000n
export const KEPT = [{ name: 'data', mountPath: '/data', size: '1Gi', keep: 3 * 24 * HOUR }]
const never = new AbortController().signal

/** What a receipt says otherwise. */
export type Change = Partial<Parameters<typeof encode<typeof VolumeReceiptSchema>>[1]>

/** Its engine opens no volume: who wants to look into one has asked for it all the same. */
export async function createPricedRig(): Promise<AgentRig> {
  const open = async () => await Promise.reject(new EngineError('ENGINE_ERROR', 'no'))
  const volumeAccess = { open, measure: open, clear: async () => undefined }
  const components = { access: {} as ContainerAccess, volumeAccess }
  return await createAgentRig({ prices: { ...DEFAULT_PRICES, volumePerGbHour: PRICE }, components })
}

/** @param of the agent of the test that runs */
export function requesterOf(of: () => AgentRig) {
  const at = () => ({ provider: of().provider, addresses: [] })
  const say = async (content: Parameters<typeof askProvider>[2]) =>
    await askProvider({ network: of().requester.network, clock: systemClock }, at(), content, never)
  const filesOf = async (id: string) =>
    await createVolumeFiles({ network: of().requester.network, clock: systemClock }, at).look(id, '/', {}, never)
  const told = async (id: string) =>
    (await volumesAt({ network: of().requester.network, clock: systemClock }, at(), never)).volumes.get(id)
  const idle = async (id: string): Promise<number | undefined> => {
    const one = await told(id)
    return one === undefined ? undefined : Number(one.idleSeconds)
  }

  async function begin(submission: Partial<JobSubmission>): Promise<Running> {
    const running = await of().run(submission)
    await of().container(running.name)
    return running
  }

  async function end(running: Running): Promise<void> {
    of().engine.containers.get(running.name)?.exit(0)
    await of().settle(running)
  }

  async function leave(): Promise<string> {
    const running = await begin({ volumes: KEPT })
    await end(running)
    return volumeIdOf(running.asked.jobId, of().provider, 'data')
  }

  async function statementOf(volumeId: string, change: Change, key = of().requester.peer.privateKey) {
    const time = {
      ...{ sizeBytes: BigInt(GIB), pricePerGbHour: PRICE, secondsBefore: 0n, seconds: 3_600n },
      ...(change as object),
    }
    const payload = encode(VolumeReceiptSchema, {
      ...{ network: MARKET, volumeId, requester: of().requester.network.peerId, provider: of().provider, number: 1 },
      ...{ costNanoUsd: costOfKept(time), signedAtMs: 1n },
      ...time,
      ...(change as object),
    })
    return await signStatement('volume-receipt', payload, key)
  }

  /** What it says is agreed; behind it are bytes of a field that nobody knows. */
  async function padded(volumeId: string) {
    const { payload } = await statementOf(volumeId, {})
    const more = Buffer.concat([payload, Buffer.from([0x82, 0x7d, 0x03]), Buffer.from('abc')])
    return await signStatement('volume-receipt', more, of().requester.peer.privateKey)
  }

  const pay = async (id: string, change: Change = {}) =>
    await say({ case: 'settle', value: { receipt: await statementOf(id, change) } })

  /** Why a job is declined; undefined where it is bid on. */
  async function declined(submission: Partial<JobSubmission> = { volumes: KEPT }) {
    const { decline } = await (await of().requester.ask(submission)).answer()
    await of().clock.advance(20_000)
    return decline?.code
  }

  return { say, filesOf, told, idle, begin, end, leave, statementOf, padded, pay, declined }
}
