import { z } from 'zod'
import { FAILURE_CODES, FAULT_NAMES } from '../../protocol/failures.ts'

/** What to change of a job; see `protocol/remedies.ts`. */
export const remedySchema = z
  .strictObject({
    text: z.string().describe('What is changed, such as `Raise memory to 128Mi`.'),
    changes: z
      .record(z.string(), z.unknown())
      .describe(
        'The same for `POST …/resubmit`, or while it is pending for `PUT`: fields of a submission; null takes one out.',
      ),
  })
  .meta({ id: 'Remedy', description: 'A change of a job that helps.' })

/** Why a job failed, or would. */
export const jobErrorSchema = z
  .strictObject({
    code: z.enum(FAILURE_CODES).describe('What programs match.'),
    message: z.string().describe('For people.'),
    remedy: z.string().describe('What to do about it.'),
    fault: z
      .enum(FAULT_NAMES)
      .describe(
        'Who can mend it: the program (`job`), what was asked for (`user`), the owner of the machine (`provider`), nobody at once (`place`), or this program (`ours`).',
      ),
    details: z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
      .describe('Further words for programs, `reason` among them.'),
    change: remedySchema
      .nullable()
      .describe('What to change of the job for that; null where it is nothing that the job asks for.'),
  })
  .meta({ id: 'JobError', description: 'Why a job failed.' })

/** Why nobody has taken a pending job yet. */
export const waitingSchema = z
  .strictObject({
    givesUpAt: z.iso.datetime().describe('When it fails unless somebody takes it before.'),
    answered: z.int().min(0).describe('How many providers said something when they were asked last; 0 before.'),
    nearest: jobErrorSchema
      .nullable()
      .describe('Who came nearest, and what was lacking, as the job would fail by it; null before anybody was asked.'),
  })
  .meta({ id: 'Waiting', description: 'Why nobody has taken a pending job yet, and until when somebody may.' })
