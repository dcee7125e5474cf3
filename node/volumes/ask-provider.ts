import type { MessageInitShape } from '@bufbuild/protobuf'
import { encode } from '../../protocol/codec.ts'
import { type KeptVolume, type VolumesReply, VolumesRequestSchema } from '../../protocol/gen/cortex/v1/volumes_pb.js'
import { MAX_VOLUMES_MESSAGE_BYTES } from '../../protocol/limits.ts'
import { Protocol } from '../../protocol/topics.ts'
import { readVolumesReply, VOLUME_REFUSALS, type VolumeRefusal } from '../../protocol/volume-messages.ts'
import type { Clock } from '../clock.ts'
import { deadline } from '../deadline.ts'
import type { Channel, PeerNetwork } from '../network/index.ts'
import { VolumeError } from './index.ts'

/** How long a provider may take to answer, in ms: it may be removing a volume from its engine meanwhile. */
const REPLY_MS = 15_000
/** Pages of volumes that are read of one provider. */
const MAX_PAGES = 100

/** Where a provider is reached. */
export interface Holder {
  provider: string
  addresses: string[]
}

/** All volumes of this peer at one provider, and whether that is about to go. */
export interface Held {
  volumes: Map<string, KeptVolume>
  draining: boolean
}

/** What {@link askProvider} works with. */
export interface AskingComponents {
  network: PeerNetwork
  clock: Clock
}

type Content = NonNullable<MessageInitShape<typeof VolumesRequestSchema>['content']>

/** Says one thing to a provider. @throws {VolumeError} as it refuses, or `UNREACHABLE` */
export async function askProvider(
  { network, clock }: AskingComponents,
  { provider, addresses }: Holder,
  content: Content,
  signal: AbortSignal,
): Promise<VolumesReply> {
  const limit = deadline(clock, REPLY_MS, signal)
  let channel: Channel | null = null
  try {
    channel = await network.open(provider, Protocol.volumes, {
      ...{ addresses, signal: limit.signal },
      maxMessageBytes: MAX_VOLUMES_MESSAGE_BYTES,
    })
    await channel.send(encode(VolumesRequestSchema, { content }))
    const bytes = await channel.receive({ signal: limit.signal })
    if (bytes === null) throw new Error('The provider closed the stream')
    const reply = readVolumesReply(bytes)
    await channel.close()
    if (!reply.ok) throw refusalOf(reply)
    return reply
  } catch (cause) {
    channel?.abort(cause instanceof Error ? cause : new Error(String(cause)))
    signal.throwIfAborted()
    if (cause instanceof VolumeError) throw cause
    throw new VolumeError('UNREACHABLE', 'The volume’s provider cannot be reached: try again when it is back', {
      cause,
    })
  } finally {
    limit.clear()
  }
}

/** Whether a provider did not answer: then it may have done what it was asked to. */
export function isUnanswered(error: unknown): boolean {
  return !(error instanceof VolumeError) || error.code === 'UNREACHABLE'
}

/** What this peer has at a provider. @throws {VolumeError} `UNREACHABLE` */
export async function volumesAt(components: AskingComponents, holder: Holder, signal: AbortSignal): Promise<Held> {
  const volumes = new Map<string, KeptVolume>()
  let after = ''
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const reply = await askProvider(components, holder, { case: 'list', value: { after } }, signal)
    for (const volume of reply.volumes) volumes.set(volume.id, volume)
    const last = reply.volumes.at(-1)?.id ?? ''
    if (!reply.more || last <= after) return { volumes, draining: reply.draining }
    after = last
  }
  throw new VolumeError('UNREACHABLE', 'The provider says that it has more volumes than can be')
}

function refusalOf({ code, message }: VolumesReply): VolumeError {
  const isKnown = (VOLUME_REFUSALS as readonly string[]).includes(code)
  return new VolumeError(
    isKnown ? (code as VolumeRefusal) : 'FAILED',
    message === '' ? 'The provider refuses' : message,
  )
}
