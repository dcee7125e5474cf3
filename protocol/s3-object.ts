/** A file or folder of a bucket, as a job brings it, or where it leaves one. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import type { Input_S3, Input_S3Schema } from './gen/cortex/v1/market_pb.js'
import { keyNamesProblem, s3NameField, s3PlaceFields } from './s3.ts'

/** @param says what the two are, for people */
function s3ObjectField(says: { key: string; prefix: string }) {
  return z
    .strictObject({
      ...s3PlaceFields,
      key: s3NameField()
        .regex(/[^/]$/s, 'must be the name of an object: for all whose names begin so, give it as prefix')
        .optional()
        .describe(says.key),
      prefix: s3NameField().optional().describe(says.prefix),
    })
    .superRefine((s3, context) => {
      if ((s3.key === undefined) === (s3.prefix === undefined)) {
        context.addIssue({ code: 'custom', message: 'must say one of key, prefix' })
      }
      const problem = keyNamesProblem(s3)
      if (problem !== null) context.addIssue({ code: 'custom', path: [problem[0]], message: problem[1] })
    })
}

/** What `from` says of it. */
export const s3InputField = s3ObjectField({
  key: 'The name of an object: a file.',
  prefix: 'With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.',
})

/** What `to` says of it. */
export const s3OutputField = s3ObjectField({
  key: 'The name of an object, which is made or replaced: a file as it is, a folder as a tar.',
  prefix:
    'With what the names of objects are to begin, up to a slash: each file of a folder becomes an object of its own. Empty is the bucket itself.',
})

/** What comes from a bucket: one of `key` and `prefix` is there. */
export type S3Source = z.output<typeof s3InputField>
/** Where something goes in a bucket, likewise. */
export type S3Target = z.output<typeof s3OutputField>

/** As an award carries it. */
export function s3ToWire(s3: S3Source): MessageInitShape<typeof Input_S3Schema> {
  const { endpoint = '', region = '', bucket, key, prefix = '', accessKeyId, secretAccessKey, sessionToken } = s3
  return {
    ...{ endpoint, region, bucket, key: key ?? prefix, folder: key === undefined },
    accessKeyId: accessKeyId?.secret ?? '',
    secretAccessKey: secretAccessKey?.secret ?? '',
    sessionToken: sessionToken?.secret ?? '',
  }
}

/** As a peer says it, to be held to the rules. */
export function s3OfWire(wire: Input_S3): S3Source {
  const { endpoint, region, bucket, key, folder } = wire
  const names = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const
  return {
    ...(endpoint !== '' && { endpoint }),
    ...(region !== '' && { region }),
    ...{ bucket, [folder ? 'prefix' : 'key']: key },
    ...Object.fromEntries(names.flatMap((name) => (wire[name] === '' ? [] : [[name, { secret: wire[name] }]]))),
  }
}

/** Out of an award, held to the rules of a job's own. */
export function s3FromWire(wire: Input_S3): { s3: S3Source } | { s3: null; problem: string } {
  const parsed = s3InputField.safeParse(s3OfWire(wire))
  if (parsed.success) return { s3: parsed.data }
  return { s3: null, problem: `s3: ${parsed.error.issues[0]?.message ?? 'is not valid'}` }
}
