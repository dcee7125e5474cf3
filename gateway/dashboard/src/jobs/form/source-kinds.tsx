import { Group, Textarea, TextInput } from '@mantine/core'
import type { ReactNode } from 'react'
import type { Draft } from '../submission.ts'
import { GitFields } from './git-fields.tsx'
import { JobChoice } from './job-choice.tsx'
import { S3Fields } from './s3-fields.tsx'

/** Where an input comes from. */
export type From = NonNullable<Draft['inputs']>[number]['from']

/** What the fields of a kind are given. */
export interface SourceProps {
  /** What it is for, e.g. `input 1`. */
  name: string
  from: From
  error: string | undefined
  onChange(from: From): void
}

/** A kind of source: how it is offered beside the others, what it begins as, and its fields. */
interface SourceKind {
  offer: string
  begin: From
  Fields(props: SourceProps): ReactNode
}

const MONO = { classNames: { input: 'mono' } }

/** Every kind that the form knows, under the field of `from` that says it. */
export const SOURCE_KINDS = {
  upload: { offer: 'Upload', begin: { upload: '' }, Fields: UploadFields },
  inline: { offer: 'Text instead', begin: { inline: '' }, Fields: InlineFields },
  job: { offer: 'Output of a job', begin: { job: '' }, Fields: JobFields },
  url: { offer: 'URL instead', begin: { url: '' }, Fields: UrlFields },
  git: { offer: 'Git instead', begin: { git: { url: '' } }, Fields: GitSource },
  s3: { offer: 'S3 instead', begin: { s3: { bucket: '', key: '' } }, Fields: BucketFields },
} satisfies Partial<Record<keyof From, SourceKind>>

/** The name of a kind. */
export type SourceName = keyof typeof SOURCE_KINDS

/** Their names, in the order in which they are offered. */
export const SOURCE_NAMES = Object.keys(SOURCE_KINDS) as SourceName[]

/** Which kind it is; that of an upload where it is none that the form knows. */
export function kindOf(from: From): SourceName {
  return SOURCE_NAMES.find((name) => from[name] !== undefined) ?? 'upload'
}

function UploadFields({ name, from, error, onChange }: SourceProps) {
  return (
    <TextInput
      aria-label={`Upload of ${name}`}
      placeholder="sha256:… of an upload, or drop a file or folder here"
      value={from.upload ?? ''}
      error={error}
      onChange={(event) => onChange({ upload: event.currentTarget.value })}
      {...MONO}
    />
  )
}

function InlineFields({ name, from, error, onChange }: SourceProps) {
  return (
    <Textarea
      aria-label={`Text of ${name}`}
      value={from.inline ?? ''}
      error={error}
      autosize
      minRows={1}
      maxRows={12}
      onChange={(event) => onChange({ inline: event.currentTarget.value })}
      {...MONO}
    />
  )
}

function UrlFields({ name, from: { url = '', sha256 }, error, onChange }: SourceProps) {
  return (
    <>
      <TextInput
        aria-label={`URL of ${name}`}
        placeholder="https://example.com/model.bin"
        value={url}
        error={error}
        onChange={(event) => onChange({ ...(sha256 !== undefined && { sha256 }), url: event.currentTarget.value })}
        {...MONO}
      />
      <TextInput
        aria-label={`SHA-256 of ${name}`}
        placeholder="SHA-256, so that it is checked and kept there"
        value={sha256 ?? ''}
        mt={4}
        onChange={({ currentTarget: { value } }) => onChange(value === '' ? { url } : { url, sha256: value.trim() })}
        {...MONO}
      />
    </>
  )
}

function JobFields({ name, from: { job = '', path = '' }, error, onChange }: SourceProps) {
  const change = (id: string, entry: string) => onChange(entry === '' ? { job: id } : { job: id, path: entry })
  return (
    <>
      <Group gap={6} align="flex-start">
        <TextInput
          aria-label={`Job of ${name}`}
          placeholder="job_…"
          value={job}
          error={error}
          onChange={(event) => change(event.currentTarget.value.trim(), path)}
          flex="2 1 160px"
          {...MONO}
        />
        <TextInput
          aria-label={`Part of the output for ${name}`}
          placeholder="all of it"
          value={path}
          onChange={(event) => change(job, event.currentTarget.value)}
          flex="1 1 100px"
          {...MONO}
        />
      </Group>
      <JobChoice name={name} onChoose={(id) => change(id, '')} />
    </>
  )
}

function BucketFields({ name, from, error, onChange }: SourceProps) {
  return from.s3 === undefined ? null : (
    <S3Fields name={name} s3={from.s3} error={error} onChange={(s3) => onChange({ s3 })} />
  )
}

function GitSource({ name, from, error, onChange }: SourceProps) {
  return from.git === undefined ? null : (
    <GitFields name={name} git={from.git} error={error} onChange={(git) => onChange({ git })} />
  )
}
