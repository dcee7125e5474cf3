import type { Clock } from '../../node/clock.ts'
import type { Logger } from '../../node/logger.ts'
import type { Outside } from '../../node/network/outside.ts'
import { findPart } from '../../node/outputs/part.ts'
import type { OutputSpool } from './spool.ts'
import type { KeptOutput, OutputOwner } from './spool-folder.ts'

/** What sends outputs works with. */
export interface SendComponents {
  spool: Pick<OutputSpool, 'read'>
  outside: Outside
  clock: Clock
  logger: Logger
}

/** An output in the spool, which is to go elsewhere. */
export interface Spooled {
  /** Of its entry in the spool. */
  owner: OutputOwner
  kept: KeptOutput
  /** What its entries begin with. */
  name: string
}

/** A part of its tar. */
export interface Span {
  offset: number
  length: number
}

/** Where in the tar it stands: the contents of a file that is all there is, or all of the tar. */
export async function spanOf(spool: Pick<OutputSpool, 'read'>, { owner, kept, name }: Spooled): Promise<Span> {
  const open = async (_job: string, part: Span = { offset: 0, length: kept.bytes }) => ({
    bytes: kept.bytes,
    stream: await spool.read(owner, part.offset, part.length),
  })
  const part = await findPart({ open }, owner.jobId, name)
  return part?.type === 'file' ? { offset: part.offset, length: part.size } : { offset: 0, length: kept.bytes }
}
