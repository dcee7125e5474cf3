import { z } from 'zod'
import { lineField } from '../../protocol/job-fields.ts'

/** What an upload stands for: `folder` is a tar, whose entries a job finds at its input's path. */
const UPLOAD_TYPES = ['file', 'folder'] as const

/** Something that was given for jobs to bring, or is being given. */
export const uploadSchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    type: z.enum(UPLOAD_TYPES).describe('`folder` is a tar, whose entries a job finds at its input’s path.'),
    name: z.string().describe('For people.'),
    offset: z.number().int().describe('Bytes that are here: what follows is sent with this as `Upload-Offset`.'),
    length: z.number().int().nullable().describe('Bytes in all; null where nobody said, until it is complete.'),
    complete: z.boolean().describe('Whether all of it is here.'),
    digest: z
      .string()
      .nullable()
      .describe('`sha256:…` of all of it, which a job says as `from: { upload }`; null until it is complete.'),
    createdAt: z.iso.datetime().describe('When it was begun.'),
    expiresAt: z.iso
      .datetime()
      .describe(
        'When it is forgotten, unless something is added or a job uses it before. A job that has not ended, a schedule and a template use what they name all the time.',
      ),
  })
  .meta({ id: 'Upload', description: 'Something that was given for jobs to bring, or is being given.' })
/** An {@link uploadSchema} as the gateway makes it. */
export type UploadView = z.input<typeof uploadSchema>

/** Query of `POST /plugin-core/uploads`. */
export const newUploadQuery = z.strictObject({
  type: z
    .enum(UPLOAD_TYPES)
    .default('file')
    .describe('`folder` is a tar, whose entries a job finds at its input’s path.'),
  name: lineField(256).optional().describe('For people.'),
})

const whole = z
  .string()
  .regex(/^\d{1,15}$/, 'must be a whole number of bytes')
  .transform(Number)
const isComplete = z
  .enum(['?1', '?0'])
  .default('?1')
  .describe('`?0` where more comes with another request; else it is complete with this one.')

/** Headers of `POST /plugin-core/uploads`, as the IETF draft of resumable uploads has them. */
export const newUploadHeaders = z.object({
  'upload-length': whole.optional().describe('Bytes in all, where they are known.'),
  'upload-complete': isComplete,
})
/** Headers of `PATCH /plugin-core/uploads/{id}`. */
export const uploadPartHeaders = z.object({
  'upload-offset': whole.describe('Where these bytes begin: `offset` of the upload.').meta({ examples: ['0'] }),
  'upload-complete': isComplete,
})
