import { z } from 'zod'
import { secondsField } from '../../protocol/job-fields.ts'
import { MAX_KEEP_SECONDS, MIN_KEEP_SECONDS } from '../../protocol/limits.ts'

const usd = z.number().min(0)

/** What became of a volume. */
export const VOLUME_STATUSES = ['kept', 'deleting', 'deleted', 'gone'] as const

/** A volume that outlives its job, as its provider told of it last. */
export const volumeSchema = z
  .strictObject({
    id: z.string().describe('For `volumes: [{ volume }]` of a job.'),
    name: z.string().describe('As the job called it that left it.'),
    provider: z.string().describe('Where it lies: a job that takes it up goes there.'),
    job: z.string().describe('The job that left it.'),
    size: z.string().describe('With a unit, such as `1Gi`.'),
    keep: z.number().int().describe('Seconds that it is kept after its last use.'),
    status: z
      .enum(VOLUME_STATUSES)
      .describe(
        '`deleting`: its provider removes it once it is back; `gone`: its provider has it no more, since its time was over, or it was lost.',
      ),
    inUse: z.boolean().describe('Whether a job has it.'),
    usedBy: z
      .array(z.string())
      .describe('The jobs that have it now, oldest first: one, or where they share it, the first 16 of them.'),
    createdAt: z.iso.datetime().describe('When it was made.'),
    expiresAt: z.iso
      .datetime()
      .nullable()
      .describe('When it is removed unless it is used before; null while a job has it.'),
    providerStatus: z.enum(['online', 'degraded', 'offline']).describe('How its provider is.'),
    draining: z
      .boolean()
      .describe('Whether its provider takes no more jobs, because its owner is about to take the machine away.'),
    pricePerGbHour: usd.describe(
      'US dollars for each GB of its size and hour in which no job has it, as agreed with the job that left it. While a job has it, its size is that job’s storage.',
    ),
    idleSeconds: z.number().int().describe('For how long no job has had it, so far.'),
    cost: z
      .strictObject({
        current: usd.describe('So far, by this node’s clock.'),
        signed: usd.describe('Of which both sides have signed receipts: once an hour, and at its end.'),
        most: usd.describe('At its end, if nobody uses it any more.'),
        currency: z.literal('USD').describe('Of all amounts.'),
      })
      .describe('What keeping it costs, in US dollars, beside the jobs that have it.'),
  })
  .meta({ id: 'Volume', description: 'A volume that outlives its job, as its provider told of it last.' })

/** What both sides signed of a volume for a time in which no job had it. */
export const volumeReceiptSchema = z
  .strictObject({
    volumeId: z.string().describe('Of the volume.'),
    network: z.string().describe('On which market.'),
    provider: z.string().describe('Its peer id.'),
    requester: z.string().describe('Peer id of whoever pays.'),
    number: z.number().int().describe('1 for the first of the volume.'),
    size: z.string().describe('With a unit, such as `1Gi`.'),
    pricePerGbHour: usd.describe('US dollars for each GB and hour.'),
    secondsBefore: z.number().int().describe('What earlier receipts are for.'),
    seconds: z.number().int().describe('What this one is for.'),
    cost: usd.describe('US dollars for these seconds.'),
    signedAt: z.iso.datetime().describe('When the requester signed it, by its clock.'),
    signed: z
      .strictObject({
        provider: z.string().describe('With the provider’s signature.'),
        requester: z.string().describe('With the requester’s.'),
      })
      .describe('The statements that both sides signed, base64: `cortex receipt verify` checks them offline.'),
  })
  .meta({
    id: 'VolumeReceipt',
    description: 'What both sides signed of a volume for a time in which no job had it.',
  })

/** Body of `PATCH /plugin-core/volumes/{id}`. */
export const volumeChangesSchema = z
  .strictObject({
    keep: secondsField(MIN_KEEP_SECONDS, MAX_KEEP_SECONDS).describe(
      'Seconds that it is kept after its last use, from now on. Its provider may keep none so long.',
    ),
  })
  .meta({ id: 'VolumeChanges', description: 'What may be changed of a volume.' })
