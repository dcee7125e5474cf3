/** A requester with its real meter of volumes, and a provider that says of them whatever a test wants. */

import { fromBinary, type MessageInitShape } from '@bufbuild/protobuf'
import { silentLogger } from '../../../../node/logger.ts'
import { momentNow } from '../../../../node/moment.ts'
import type { JobRecord, VolumeReceiptRecord, VolumeRecord } from '../../../../node/store/index.ts'
import type { RunningVolumes } from '../../../../node/volumes/index.ts'
import { createVolumes } from '../../../../node/volumes/volumes.ts'
import { encode } from '../../../../protocol/codec.ts'
import type { SignedStatement } from '../../../../protocol/gen/cortex/v1/market_pb.js'
import {
  type KeptVolumeSchema,
  type VolumeReceipt,
  VolumeReceiptSchema,
  VolumesReplySchema,
  type VolumesRequest,
} from '../../../../protocol/gen/cortex/v1/volumes_pb.js'
import { jobSubmissionSchema } from '../../../../protocol/job-spec.ts'
import { volumeIdOf } from '../../../../protocol/job-volumes.ts'
import { signStatement } from '../../../../protocol/statements.ts'
import { Protocol } from '../../../../protocol/topics.ts'
import { GIB } from '../../../../protocol/units.ts'
import { readVolumesRequest } from '../../../../protocol/volume-messages.ts'
import { createMemoryHub, type MemoryHub, type MemoryPeer } from '../../../support/memory-network.ts'
import { createSimClock, type SimClock } from '../../../support/sim-clock.ts'

type Told = MessageInitShape<typeof KeptVolumeSchema>

/** From the award of a job that leaves a volume to its end. */
const AWARDED_MS = 5 * 3_600_000

/** What a provider says of a volume of a GiB that is kept for a week. */
export function told(id: string, idleSeconds: number, more: object = {}): Told {
  return {
    ...{ id, sizeBytes: BigInt(GIB), keepSeconds: 604_800, idleSeconds: BigInt(idleSeconds), expiresInSeconds: 60 },
    ...more,
  }
}

/** What the provider says; a test changes it at any time. */
export interface Script {
  /** All that it lists. */
  tells: () => Told[]
  /** Its answer to a receipt: its half, or a code of refusal. */
  signs: (receipt: SignedStatement) => Promise<SignedStatement | string | undefined>
  /** What it does where one is to be deleted, or kept longer; answers a code of refusal. What it throws breaks the stream. */
  deletes: () => unknown
  extends: (keepSeconds: number) => unknown
}

export interface PayingRig {
  clock: SimClock
  hub: MemoryHub
  volumes: RunningVolumes
  script: Script
  buyer: MemoryPeer
  seller: MemoryPeer
  /** Every receipt that the requester has signed and sent, oldest first, as often as it did. */
  sent: { receipt: VolumeReceipt; statement: SignedStatement }[]
  records: Map<string, VolumeRecord>
  receipts: VolumeReceiptRecord[]
  /** A job that leaves a volume, or takes one up, is placed at the provider. Answers the volume's id. */
  begin(jobId: string, how: BeginInit): Promise<string>
  end(jobId: string): void
  /** The provider lists one volume, of which it says so. */
  tells(id: string, idleSeconds: number, more?: object): void
  /** A volume that a job left this moment, five hours after its award. Answers its id. */
  leave(jobId: string, how: BeginInit): Promise<string>
  /** Number and seconds of every receipt in {@link PayingRig.sent}. */
  signed(): number[][]
  account(id: string): NonNullable<VolumeRecord['account']>
  /** As at a restart of the process: what is not written down is forgotten. */
  restart(): Promise<void>
  stop(): Promise<void>
}

/** A new volume of `size` unless `volume` names one. */
export interface BeginInit {
  fence?: number
  keep?: number
  size?: string
  price?: bigint
  volume?: string
  shared?: boolean
}

export async function createPayingRig(): Promise<PayingRig> {
  const clock = createSimClock()
  const hub = createMemoryHub({ clock })
  const buyer = await hub.join(1)
  const seller = await hub.join(2)
  const provider = seller.network.peerId
  const jobs = new Map<string, JobRecord>()
  const records = new Map<string, VolumeRecord>()
  const receipts: VolumeReceiptRecord[] = []
  const sent: PayingRig['sent'] = []
  const script: Script = {
    tells: () => [],
    signs: async ({ payload }) => await signStatement('volume-receipt', payload, seller.privateKey),
    deletes: () => undefined,
    extends: () => undefined,
  }

  async function replyTo({ content }: VolumesRequest): Promise<MessageInitShape<typeof VolumesReplySchema>> {
    if (content.case === 'settle' && content.value.receipt !== undefined) {
      const statement = content.value.receipt
      sent.push({ receipt: fromBinary(VolumeReceiptSchema, statement.payload), statement })
      const answer = await script.signs(statement)
      return typeof answer === 'string' ? { ok: false, code: answer } : { ok: true, ...given(answer) }
    }
    if (content.case !== 'delete' && content.case !== 'extend') return { ok: true, volumes: script.tells() }
    const code = await (content.case === 'delete' ? script.deletes() : script.extends(content.value.keepSeconds))
    return typeof code === 'string' ? { ok: false, code } : { ok: true, volumes: script.tells() }
  }

  seller.network.handle(
    Protocol.volumes,
    async (channel) => {
      const bytes = await channel.receive()
      if (bytes === null) return
      try {
        await channel.send(encode(VolumesReplySchema, await replyTo(readVolumesRequest(bytes))))
        await channel.close()
      } catch (error) {
        channel.abort(error instanceof Error ? error : new Error(String(error)))
      }
    },
    { maxMessageBytes: 64 * 1024, maxInboundStreams: 1_000 },
  )

  const open = (): RunningVolumes =>
    createVolumes({
      ...{ network: buyer.network, networkName: 'test', privateKey: buyer.privateKey, clock, logger: silentLogger },
      directory: { get: () => undefined },
      store: {
        volumes: async () => new Map(records),
        async keepVolume(id, record, receipt) {
          if (record === null) records.delete(id)
          else records.set(id, record)
          if (receipt !== undefined) receipts.push(receipt)
        },
        async *volumeReceipts(id) {
          yield* receipts.filter(({ volumeId }) => id === undefined || volumeId === id)
        },
        list: async () => ({ jobs: [], ids: [], total: 0, isExact: true, hasMore: false, next: null, searched: null }),
        get: async (id) => jobs.get(id),
        bill: async () => undefined,
      },
    })
  let volumes = open()

  async function begin(
    jobId: string,
    { fence = 1, keep = 604_800, size = '1Gi', price, volume, shared }: BeginInit,
  ): Promise<string> {
    const one = volume === undefined ? { name: 'data', size, keep } : { volume }
    const spec = jobSubmissionSchema.parse({
      image: 'busybox',
      volumes: [{ ...one, mountPath: '/data', ...(shared === true ? { shared } : {}) }],
    })
    const job = { id: jobId, owner: 'me', spec }
    const terms = price === undefined ? {} : { volumePerGbHour: String(price) }
    await volumes.note(job, { provider, addresses: [], fence, ...terms })
    const state = { status: 'running', lease: { fence } }
    jobs.set(jobId, { ...job, created: momentNow(clock), state } as unknown as JobRecord)
    return volume ?? volumeIdOf(jobId, provider, 'data')
  }

  function end(jobId: string): void {
    const job = jobs.get(jobId)
    if (job === undefined) throw new Error(`No job ${jobId}`)
    const state = { ...job.state, status: 'completed', endedAtMs: clock.nowMs() }
    jobs.set(jobId, { ...job, state } as unknown as JobRecord)
  }

  const tells: PayingRig['tells'] = (id, idleSeconds, more) => {
    script.tells = () => [told(id, idleSeconds, more)]
  }

  return {
    ...{ clock, hub, script, buyer, seller, sent, records, receipts },
    get volumes() {
      return volumes
    },
    ...{ begin, end, tells },
    async leave(jobId, how) {
      const id = await begin(jobId, how)
      await clock.advance(AWARDED_MS)
      tells(id, 0)
      await volumes.look(id)
      end(jobId)
      return id
    },
    signed: () => sent.map(({ receipt: { number, seconds } }) => [number, Number(seconds)]),
    account(id) {
      const { account } = volumes.get(id) ?? {}
      if (account === undefined) throw new Error(`No account of ${id}`)
      return account
    },
    async restart() {
      await volumes.stop()
      volumes = open()
      for (const [id, record] of records) records.set(id, structuredClone(record))
      await volumes.start()
    },
    async stop() {
      await volumes.stop()
      buyer.leave()
      seller.leave()
    },
  }
}

function given(receipt: SignedStatement | undefined) {
  return receipt === undefined ? {} : { receipt }
}
