import { z } from 'zod'
import { JOB_SORTS } from '../../node/store/index.ts'
import { nameField } from '../../protocol/job-fields.ts'
import { JOB_STATUSES } from '../../protocol/lifecycle.ts'
import { batchSchema } from './batches.ts'
import { MAX_QUERY_TEXT, NO_BATCH } from './job-filter.ts'
import { jobSchema } from './jobs.ts'
import { fieldsField, flagField, listField, pagingFields, sortField, timeField } from './list-fields.ts'

/** What a query parameter begins with that asks for a label: `label.NAME=VALUE`. */
export const LABEL_PREFIX = 'label.'

/** Jobs that a search for text looks at for one page: a few tenths of a second. */
export const MAX_SEARCHED = 20_000

const label = z.string().max(128)

/** An item of a list: with `fields` only those are there. */
export const jobListItemSchema = jobSchema
  .partial()
  .extend({
    batch: batchSchema
      .optional()
      .describe('Where a folded list has it in place of all jobs of its batch that match: that batch.'),
  })
  .meta({ id: 'JobListItem', description: 'A job in a list; where `fields` was asked for, only those are there.' })

/** A {@link jobListItemSchema} as routes write it. */
export type JobListItem = z.input<typeof jobListItemSchema>

/** Query of the list of jobs. */
export const jobListQuery = z
  .object({
    status: listField(JOB_STATUSES),
    provider: z.string().max(128).optional().describe('A provider’s id (who holds the lease), or `p2p`.'),
    name: nameField
      .optional()
      .describe(
        'Called exactly so, and the caller’s own: a name is not to lead anybody, an admin either, to another owner’s job. Looks at as many jobs as `q`.',
      ),
    from: timeField.optional().describe('Created at or after.'),
    to: timeField.optional().describe('Created at or before.'),
    owner: z
      .string()
      .max(128)
      .optional()
      .describe('Whose it is. Other owners’ jobs are seen by admins alone: for others there are none.'),
    batch: z
      .string()
      .max(64)
      .optional()
      .describe(
        `Id of the batch it came from; \`${NO_BATCH}\` for jobs that came from none, which looks at as many jobs as \`q\`.`,
      ),
    q: z
      .string()
      .min(1)
      .max(MAX_QUERY_TEXT)
      .optional()
      .describe(
        `Text in id, name, image, command, arguments or labels. Looks at ${MAX_SEARCHED.toLocaleString('en')} jobs or some more, then says so in \`searched\`: \`nextCursor\` searches on.`,
      ),
    fold: flagField.describe(
      'Of the jobs of a batch that match, lists only the first one in this order, with `batch` telling how all of that batch are. `total` and `pages` are those of the jobs all the same.',
    ),
    sort: sortField(JOB_SORTS, 'createdAt:desc'),
    fields: fieldsField(jobListItemSchema),
    ...pagingFields,
  })
  .catchall(label)
  .superRefine((query, context) => {
    for (const name of Object.keys(query)) {
      if (!Object.hasOwn(knownFields, name) && !name.startsWith(LABEL_PREFIX)) {
        context.addIssue({ code: 'unrecognized_keys', keys: [name], message: 'is not known', input: query })
      }
    }
  })
const knownFields = jobListQuery.shape

/** The query of a list of jobs as routes read it: times in ms, lists split, defaults filled in. */
export type JobListQuery = z.output<typeof jobListQuery>
