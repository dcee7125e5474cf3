import { z } from 'zod'
import { jobSubmissionSchema } from '../../protocol/job-spec.ts'
import { fence, pageOf, type ReferencePage } from './markdown.ts'
import { fieldTable, type Schema } from './schema-table.ts'

/** Parsed by no field of a job: what a field says of it is what it takes. */
const NONSENSE = '\0'

const RULES = [
  'A job is one object: `POST /plugin-core/jobs`, `cortex job submit --file`, an entry of a batch, a template’s or schedule’s `config`. Only `image` must be there, and an unknown field is refused by its name. [The flags](cli/job.md) of `cortex job submit` and [of `cortex run`](cli/run.md) are the same fields.',
  fence(
    'json',
    JSON.stringify(
      { image: 'busybox:1.36', args: ['sh', '-c', 'echo hello'], cpu: 500, memory: '256Mi', duration: 600 },
      null,
      2,
    ),
  ),
  'Amounts of bytes are text with a unit, `Ki`, `Mi`, `Gi` or `Ti`, or plain bytes; times are whole seconds; prices are US dollars. `a.b` is the field `b` of the object `a`, and `a[].b` that of each entry of a list.',
]

/** Every field of a submission, from the schema that checks it. */
export function jobPage(): ReferencePage {
  const schema = z.toJSONSchema(jobSubmissionSchema, { io: 'input', unrepresentable: 'any', override }) as Schema
  const source = 'the schema in `protocol/job-spec.ts`'
  return pageOf('reference/job.md', 'Fields of a job', source, [...RULES, fieldTable(schema, (name) => name, true)])
}

/** Where a pattern or a rule of its own says what is right, its error does so in words; a default of what is made from text is lost. */
function override({
  zodSchema,
  jsonSchema,
}: {
  zodSchema: z.core.$ZodTypes
  jsonSchema: z.core.JSONSchema.BaseSchema
}) {
  const { def } = zodSchema._zod
  if (def.type === 'default') jsonSchema.default ??= def.defaultValue as z.core.util.JSONType
  const types = [
    jsonSchema.type,
    ...(jsonSchema.anyOf ?? []).map((part) => (typeof part === 'object' ? part.type : '')),
  ]
  if (!types.includes('string') || jsonSchema.enum !== undefined) return
  const issue = z.safeParse(zodSchema, NONSENSE).error?.issues[0]
  if (issue === undefined || !issue.message.startsWith('must ')) return
  jsonSchema['x-expected'] = issue.message
    .replace(/^must (?:be )?/, '')
    .replace(/^begin with "\/": it is/, 'begins with "/":')
}
