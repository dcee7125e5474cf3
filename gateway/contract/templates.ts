import { z } from 'zod'
import { lineField, linesField } from '../../protocol/job-fields.ts'
import { configSchema, hiddenSchema, shownConfigSchema } from './job-config.ts'

/** A template: a part of a submission that jobs and schedules are made from, its secrets not shown. */
export const templateSchema = z
  .strictObject({
    id: z.string().describe('Its id.'),
    name: z.string().describe('What people call it.'),
    description: z.string().describe('What it is for.'),
    config: shownConfigSchema,
    hidden: hiddenSchema.describe(
      'What the config does not show; null where it cannot be opened: the gateway had another master key.',
    ),
    createdAt: z.iso.datetime().describe('When it was made.'),
    updatedAt: z.iso.datetime().describe('When it was changed last.'),
  })
  .meta({ id: 'Template', description: 'A part of a submission that jobs and schedules are made from.' })

const fields = {
  name: lineField(128).describe('What people call it.'),
  description: linesField(2000).describe('What it is for.'),
  config: configSchema.describe('Fields of a submission; together with the defaults they make a valid job.'),
}
/** Body of `POST /plugin-core/jobs/templates`. */
export const newTemplateSchema = z
  .strictObject({ ...fields, description: fields.description.default('') })
  .meta({ id: 'NewTemplate', description: 'A part of a submission, and a name for it.' })
/**
 * Body of `PUT /plugin-core/jobs/templates/{id}`: what is absent stays; a `config` is replaced as a whole, but for
 * secrets, see its description.
 */
export const templateChangesSchema = z
  .strictObject({
    name: fields.name.optional().describe('What people call it.'),
    description: fields.description.optional().describe('What it is for.'),
    config: fields.config.optional(),
  })
  .meta({
    id: 'TemplateChanges',
    description: 'Secrets that a new config says nothing of are kept where neither what runs nor where changes.',
  })
