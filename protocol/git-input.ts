/** A repository of git, as a job brings it: the files of one commit, and of its submodules where that is asked for. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import type { Input_Git, Input_GitSchema } from './gen/cortex/v1/market_pb.js'
import { MAX_INPUT_URL_LENGTH } from './limits.ts'
import { namedSecretField } from './named-secret.ts'

/** Longest name of a branch or tag, in characters. */
const MAX_REF_LENGTH = 255

function urlProblem(text: string): string | null {
  if (!/^https:\/\/[\x21-\x7e]+$/i.test(text) || !URL.canParse(text)) {
    return 'must be a URL that begins with https://, with all but ASCII in it as %XX'
  }
  const { username, password, search } = new URL(text)
  if (username !== '' || password !== '') return 'must have no user and no password: name a secret as token'
  return search !== '' || /[?#]/.test(text) ? 'must have no ? and no #: give the branch, tag or commit as ref' : null
}

/** What git takes for the name of a branch or tag, and nothing that its commands would take for more than that. */
function isRef(ref: string): boolean {
  if (
    !/^[\x21-\x7e\u{a0}-\u{10ffff}]+$/u.test(ref) ||
    /[~^:?*[\\]|\.\.|@\{|\/\/|^[-/+]|[/.]$|\.lock(\/|$)|(^|\/)\./.test(ref)
  )
    return false
  return ref !== '@' && ref.isWellFormed()
}

/** Where a repository is, or a submodule of one: `https:` alone, without user, password, query and fragment. */
export const gitUrlField = z
  .string()
  .max(MAX_INPUT_URL_LENGTH, { abort: true })
  .superRefine((text, context) => {
    const message = urlProblem(text)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })

/** What `from` says of it. */
export const gitInputField = z.strictObject({
  url: gitUrlField.describe('As git clones it: `https://…`, without user and password.'),
  ref: z
    .string()
    .max(MAX_REF_LENGTH, { abort: true })
    .refine(isRef, 'must be the name of a branch or tag, or all 40 digits of a commit')
    .optional()
    .describe('A branch, a tag or a commit. Where it is left out: what the repository has checked out.'),
  token: namedSecretField('What opens it where not everybody may read it').optional(),
  submodules: z
    .boolean()
    .optional()
    .describe(
      'Whether the submodules of the commit, and theirs, stand at their paths: each is fetched from the `https://…` that `.gitmodules` names, and the token goes to those at the repository’s own host alone. Where it is left out: their folders are empty.',
    ),
})

/** The files of one commit. */
export type GitSource = z.output<typeof gitInputField>

/** As an award carries it. */
export function gitToWire({
  url,
  ref = '',
  token,
  submodules = false,
}: GitSource): MessageInitShape<typeof Input_GitSchema> {
  return { url, ref, token: token?.secret ?? '', submodules }
}

/** Out of an award, held to the rules of a job's own. */
export function gitFromWire({
  url,
  ref,
  token,
  submodules,
}: Input_Git): { git: GitSource } | { git: null; problem: string } {
  const parsed = gitInputField.safeParse({
    url,
    ...(ref !== '' && { ref }),
    ...(token !== '' && { token: { secret: token } }),
    ...(submodules && { submodules }),
  })
  if (parsed.success) return { git: parsed.data }
  return { git: null, problem: `git: ${parsed.error.issues[0]?.message ?? 'is not valid'}` }
}
