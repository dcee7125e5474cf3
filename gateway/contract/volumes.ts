import { z } from 'zod'
import { secondsField } from '../../protocol/job-fields.ts'
import { MAX_KEEP_SECONDS, MIN_KEEP_SECONDS } from '../../protocol/limits.ts'

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
  })
  .meta({ id: 'Volume', description: 'A volume that outlives its job, as its provider told of it last.' })

/** Body of `PATCH /plugin-core/volumes/{id}`. */
export const volumeChangesSchema = z
  .strictObject({
    keep: secondsField(MIN_KEEP_SECONDS, MAX_KEEP_SECONDS).describe(
      'Seconds that it is kept after its last use, from now on. Its provider may keep none so long.',
    ),
  })
  .meta({ id: 'VolumeChanges', description: 'What may be changed of a volume.' })
