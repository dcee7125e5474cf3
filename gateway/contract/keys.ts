import { z } from 'zod'
import { lineField } from '../../protocol/job-fields.ts'
import { timeField } from './list-fields.ts'
import { GRANTS } from './permissions.ts'

const OWNER = /^[a-z0-9][a-z0-9._@-]{0,63}$/

/** An API key without its text, which only the answer that makes it has. `expiresAt` is null where it never ends. */
export const keySchema = z
  .strictObject({
    id: z.string().describe('Of the key, by which it is revoked; not its text.'),
    name: z.string().describe('What people call it.'),
    owner: z.string().describe('Whose objects it sees.'),
    permissions: z.array(z.enum(GRANTS)).describe('What it may do.'),
    createdAt: z.iso.datetime().describe('When it was made.'),
    expiresAt: z.iso.datetime().nullable().describe('When it ends; null is never.'),
    madeBy: z.string().nullable().describe('The key that made it; null where that is not known.'),
  })
  .meta({ id: 'Key', description: 'A key of the API, without its text.' })

/** Answer of `DELETE /auth/keys/{id}`: a key goes, and what it made stays unless `withMade` was asked for. */
export const revokedKeySchema = z
  .strictObject({
    message: z.string().describe('For people.'),
    keysLeft: z.array(keySchema).describe('Keys that it made, and those made, that go on.'),
  })
  .meta({
    id: 'RevokedKey',
    description: 'A key that was revoked; what it made stays unless `withMade` was asked for.',
  })

/**
 * Body of `POST /auth/keys`. Without `permissions` it gets what of `DEFAULT_GRANTS` the key has that makes it.
 */
export const newKeySchema = z
  .strictObject({
    name: lineField(128).describe('What people call it.'),
    owner: z
      .string()
      .regex(OWNER, 'must be 1 to 64 lower-case letters, digits and . _ @ -')
      .optional()
      .describe('Whose objects it sees; default your own. Only admins choose another.'),
    permissions: z.array(z.enum(GRANTS)).min(1).max(GRANTS.length).optional().describe('What it may do.'),
    expiresAt: timeField
      .nullable()
      .optional()
      .describe('When it ends. Absent: with the key that makes it. Null: never, which takes a key that never ends.'),
  })
  .meta({
    id: 'NewKey',
    description:
      'Without `permissions` it gets what the key has that makes it of jobs, templates, webhooks and reading providers.',
  })

/** Who asks: the answer of `GET /users/me` and of signing in. */
export const userSchema = z
  .strictObject({
    id: z.string().describe('The owner whose objects are seen.'),
    keyId: z.string().describe('The key that was used.'),
    permissions: z.array(z.enum(GRANTS)).describe('What it may do.'),
    admin: z.boolean().describe('Whether it may do everything, for every owner.'),
  })
  .meta({ id: 'User', description: 'Who asks, by the key that was used.' })
