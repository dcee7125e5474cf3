/** What of a job's container is kept at its end: one path, or several that are each called by a name. */

import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import type { Job, Output, OutputSchema } from './gen/cortex/v1/market_pb.js'
import { nameField, ownPathField } from './job-fields.ts'
import { urlProblem } from './job-inputs.ts'
import { MAX_INPUT_URL_LENGTH, MAX_OUTPUTS } from './limits.ts'
import { namedSecrets } from './named-secret.ts'
import { outputNameOf, rootOf } from './output-name.ts'
import { keyNamesOf, s3Base } from './s3.ts'
import { type S3Target, s3OfWire, s3OutputField, s3ToWire } from './s3-object.ts'
import { WireError } from './wire-error.ts'

/** Where an output goes in place of its requester. */
const toField = z
  .strictObject({
    url: z
      .string()
      .max(MAX_INPUT_URL_LENGTH)
      .superRefine((text, context) => {
        const message = urlProblem(text, false)
        if (message !== null) context.addIssue({ code: 'custom', message })
      })
      .optional()
      .describe('A presigned URL that takes a `PUT`: `https://…`, public, without user and password.'),
    s3: s3OutputField.optional().describe('A bucket, by keys that are among the job’s `secrets`.'),
  })
  .refine(({ url, s3 }) => (url === undefined) !== (s3 === undefined), 'must say one of url, s3')
  .describe(
    'Where the provider sends it when the container has ended: a file as it is, a folder as a tar, or as the objects of a prefix. Where it is left out, or the server does not take it, it is kept.',
  )

const outputField = z
  .strictObject({
    name: nameField
      .optional()
      .describe(
        'What its entries in the tar begin with. Where it is left out: the last part of its path, with “-” for what no name may have.',
      ),
    path: ownPathField.describe('A path in the container.'),
    to: toField.optional(),
  })
  .transform(({ name, path, to }) => ({ name: name ?? outputNameOf(path), path, ...(to !== undefined && { to }) }))

/** A path, or at most {@link MAX_OUTPUTS} of them with names. */
export const outputsField = z.union([ownPathField, z.array(outputField).min(1).max(MAX_OUTPUTS)])

/** A job's `outputs`, as it was asked for. */
export type OutputsSpec = z.output<typeof outputsField>

/** One path that is kept. */
export interface JobOutputPath {
  /** What its entries in the tar begin with. */
  name: string
  path: string
  /** Where its provider sends it. @default to its requester */
  to?: OutputTarget
}

/** Where an output goes in place of its requester: one of these is there. */
export interface OutputTarget {
  /** Whoever has it may write there. */
  url?: string | undefined
  s3?: S3Target | undefined
}

/** What became of an output that was to go elsewhere. */
export interface SentOutput {
  /** As the job calls it. */
  name: string
  /** Of what was sent: a file as it is, a folder's tar, or all objects together; 0 where it was not. */
  bytes: number
  /** Of that, hex; empty where it was not sent, and of the objects of a prefix. */
  sha256: string
  /** How many objects it became; absent in records of before there was this. */
  objects?: number
  /** Why it was not, for people; empty where it was. */
  problem: string
  /** The same for programs, a row of `sent-failures.ts`; absent in records of before there was this. */
  reason?: string
}

/** Its host, for people. */
export function hostOfTarget({ url, s3 }: OutputTarget): string {
  return new URL(s3 === undefined ? (url ?? '') : s3Base(s3)).host
}

/** Which of a job's secrets its outputs name, and under which of its fields. */
export function secretsOutputsName(outputs: OutputsSpec | undefined): { path: PropertyKey[]; secret: string }[] {
  return outputPaths(outputs).flatMap(({ to }, index) =>
    keyNamesOf(to?.s3 ?? {}).map(([name, { secret }]) => ({ path: ['outputs', index, 'to', 's3', name], secret })),
  )
}

/** Which of a job's secrets are there for its outputs: they are not for its program. */
export function secretsOfOutputs(outputs: readonly Pick<JobOutputPath, 'to'>[]): Set<string> {
  return namedSecrets(outputs.flatMap(({ to }) => keyNamesOf(to?.s3 ?? {}).map(([, secret]) => secret)))
}

/** All that a job's `outputs` say; nothing where it has none. A path alone is called by its last part, whatever that is. */
export function outputPaths(outputs: OutputsSpec | undefined): JobOutputPath[] {
  if (outputs === undefined || outputs === '') return []
  if (typeof outputs === 'string') return [{ name: rootOf(outputs), path: outputs }]
  return outputs
}

/** What the entries of a job's output begin with, in the names that {@link outputPaths} gives. */
export function outputRoots(outputs: OutputsSpec | undefined): string[] {
  return outputPaths(outputs).map(({ name }) => name)
}

/** What is wrong between several outputs: each has a name and a place for itself, none in another. */
export function outputProblems(outputs: OutputsSpec | undefined): { path: PropertyKey[]; message: string }[] {
  if (outputs === undefined || typeof outputs === 'string') return []
  return outputs.flatMap(({ name, path }, index) => {
    const before = outputs.slice(0, index)
    const inside = outputs.find((other) => path.startsWith(`${other.path}/`))
    if (before.some((other) => other.path === path)) {
      return [{ path: ['outputs', index, 'path'], message: 'is listed twice: remove one' }]
    }
    if (inside !== undefined) {
      const message = `lies in ${inside.path}, which is kept whole: remove one of the two`
      return [{ path: ['outputs', index, 'path'], message }]
    }
    if (!before.some((other) => other.name.toLowerCase() === name.toLowerCase())) return []
    const message = `must be another than ${JSON.stringify(name)}, which another output has: give each its own`
    return [{ path: ['outputs', index, 'name'], message }]
  })
}

/** As an award carries it: a path alone as it was before there were several. */
export function outputsToWire(outputs: OutputsSpec | undefined): {
  outputs: string
  outputList: MessageInitShape<typeof OutputSchema>[]
} {
  if (typeof outputs === 'string') return { outputs, outputList: [] }
  return {
    outputs: '',
    outputList: outputPaths(outputs).map(({ name, path, to }) => ({
      ...{ name, path },
      ...(to !== undefined && { to: targetToWire(to) }),
    })),
  }
}

function targetToWire({ url = '', s3 }: OutputTarget): NonNullable<MessageInitShape<typeof OutputSchema>['to']> {
  return s3 === undefined ? { case: 'toUrl', value: { url } } : { case: 'toS3', value: s3ToWire(s3) }
}

/** One of a list, as a peer says it. */
export function outputFromWire({ name, path, to }: Output): JobOutputPath {
  if (to.case === undefined) return { name, path }
  return { name, path, to: to.case === 'toUrl' ? { url: to.value.url } : { s3: s3OfWire(to.value) } }
}

/** What a peer's award says of it, to be held to the rules. @throws {WireError} `INVALID_FIELD` where it says both */
export function outputsOfWire({ outputs, outputList }: Pick<Job, 'outputs' | 'outputList'>): OutputsSpec | undefined {
  if (outputs !== '' && outputList.length > 0) {
    throw new WireError('INVALID_FIELD', 'outputs must be a path or a list of them', { field: 'outputs' })
  }
  if (outputList.length > 0) return outputList.map(outputFromWire)
  return outputs === '' ? undefined : outputs
}
