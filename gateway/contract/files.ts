import { z } from 'zod'
import { containerPath, FILE_TYPES, MAX_FILE_MODE } from '../../protocol/file-messages.ts'
import { MAX_LISTED_FILES, MAX_PATH_BYTES } from '../../protocol/limits.ts'
import { flagField } from './list-fields.ts'

/** Where in the container: absolute. */
const pathField = z
  .string()
  .max(MAX_PATH_BYTES)
  .refine((path) => containerPath(path) !== null, 'must be an absolute path in the container, such as /data/model.bin')
  .transform((path) => containerPath(path) ?? path)
  .describe('Absolute, in the container. A link is followed.')
  .meta({ examples: ['/data'] })

const modeText = z.string().regex(/^[0-7]{3,4}$/, 'must be permission bits in octal, such as 0644')

/** Query of `GET /plugin-core/jobs/{id}/files`. */
export const filesQuery = z.strictObject({
  path: pathField,
  as: z
    .enum(['json', 'tar'])
    .optional()
    .describe(
      '`tar`: whatever it is, as a tar; so does `Accept: application/x-tar`. `json`: what it is, of a file, too.',
    ),
  max: z.coerce
    .number<string>()
    .int()
    .min(0)
    .max(MAX_LISTED_FILES)
    .default(MAX_LISTED_FILES)
    .describe('Entries that are answered; 0 for none.'),
  cursor: z
    .string()
    .max(2 * MAX_PATH_BYTES)
    .regex(/^[\w-]+$/)
    .optional()
    .describe('`nextCursor` of the page before.'),
})

const inVolume = pathField.default('/').describe('Absolute, in the volume. A link is followed, but not out of it.')

/** Query of `GET /plugin-core/volumes/{id}/content`. */
export const volumeContentQuery = filesQuery.extend({
  path: inVolume,
  as: z
    .enum(['json', 'tar'])
    .optional()
    .describe(
      '`tar`: whatever it is, as a tar, as a folder is by itself; `json`: what it is, and of a folder what it holds.',
    ),
})

/** Query of `PUT /plugin-core/jobs/{id}/files`. */
export const writeFilesQuery = z.strictObject({
  path: pathField,
  mode: modeText
    .transform((text) => Number.parseInt(text, 8) & MAX_FILE_MODE)
    .optional()
    .describe('Permission bits of a file in octal. Absent: those that it has, or 0644.'),
})

/** Query of `PUT /plugin-core/volumes/{id}/content`. */
export const writeVolumeQuery = writeFilesQuery.extend({ path: inVolume })

/** Query of `DELETE /plugin-core/jobs/{id}/files`. */
export const removeFilesQuery = z.strictObject({
  path: pathField,
  recursive: flagField.describe('Removes a folder with all that is in it.'),
})

const fileFields = {
  name: z.string().describe('Without its folder.'),
  type: z.enum(FILE_TYPES).describe('What it is.'),
  size: z.number().describe('Bytes; 0 of what is no file.'),
  mode: modeText.describe('Permission bits in octal.'),
  mtime: z.iso.datetime().describe('When it was changed last.'),
  linkTarget: z.string().nullable().describe('Where a link leads, as it has that.'),
}

/** Something in a container. */
export const fileSchema = z
  .strictObject(fileFields)
  .meta({ id: 'ContainerFile', description: 'Something in a container or a volume.' })

/** Answer of `GET /plugin-core/jobs/{id}/files` as JSON. */
export const fileLookSchema = z
  .strictObject({
    path: z.string().describe('As asked for, in short.'),
    ...fileFields,
    entries: z.array(fileSchema).nullable().describe('Of a folder, by name; null of anything else.'),
    total: z.int().nullable().describe('How many entries the folder has, as far as was counted.'),
    complete: z.boolean().describe('Whether all of the folder was looked at: not where it is too large for that.'),
    nextCursor: z.string().nullable().describe('Leads to the entries behind these.'),
  })
  .meta({
    id: 'ContainerFiles',
    description: 'What is at a path of a container or a volume, and of a folder what it holds.',
  })

/** Answer of `PUT /plugin-core/jobs/{id}/files`. */
export const writtenFilesSchema = z
  .strictObject({
    path: z.string().describe('Where.'),
    files: z.int().describe('How many were written, folders apart.'),
    bytes: z.number().describe('Of all files together.'),
    leftOut: z
      .array(z.strictObject({ path: z.string().describe('As it was sent.'), reason: z.string().describe('Why.') }))
      .describe('What had no place: climbing paths, devices, pipes; at most 64, the last counts the others.'),
  })
  .meta({ id: 'WrittenFiles', description: 'What was written into a container or a volume.' })

/** Answer of `DELETE /plugin-core/jobs/{id}/files`. */
export const removedFileSchema = z
  .strictObject({ path: z.string().describe('As asked for, in short.') })
  .describe('What was removed.')
