/** A file or folder of a bucket, as a job brings it. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import type { Input_S3, Input_S3Schema } from './gen/cortex/v1/market_pb.js'
import { keyNamesProblem, s3NameField, s3PlaceFields } from './s3.ts'

/** What `from` says of it. */
export const s3InputField = z
  .strictObject({
    ...s3PlaceFields,
    key: s3NameField()
      .regex(/[^/]$/s, 'must be the name of an object: for all whose names begin so, give it as prefix')
      .optional()
      .describe('The name of an object: a file.'),
    prefix: s3NameField()
      .optional()
      .describe(
        'With what the names of objects begin, up to a slash: a folder with all of them. Empty is the whole bucket.',
      ),
  })
  .superRefine((s3, context) => {
    if ((s3.key === undefined) === (s3.prefix === undefined)) {
      context.addIssue({ code: 'custom', message: 'must say one of key, prefix' })
    }
    const problem = keyNamesProblem(s3)
    if (problem !== null) context.addIssue({ code: 'custom', path: [problem[0]], message: problem[1] })
  })

/** One of `key` and `prefix` is there. */
export type S3Source = z.output<typeof s3InputField>

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

/** Out of an award, held to the rules of a job's own. */
export function s3FromWire(wire: Input_S3): { s3: S3Source } | { s3: null; problem: string } {
  const { endpoint, region, bucket, key, folder } = wire
  const names = ['accessKeyId', 'secretAccessKey', 'sessionToken'] as const
  const parsed = s3InputField.safeParse({
    ...(endpoint !== '' && { endpoint }),
    ...(region !== '' && { region }),
    ...{ bucket, [folder ? 'prefix' : 'key']: key },
    ...Object.fromEntries(names.flatMap((name) => (wire[name] === '' ? [] : [[name, { secret: wire[name] }]]))),
  })
  if (parsed.success) return { s3: parsed.data }
  return { s3: null, problem: `s3: ${parsed.error.issues[0]?.message ?? 'is not valid'}` }
}
