import { Group, TextInput } from '@mantine/core'
import type { Draft } from '../submission.ts'

type S3 = NonNullable<NonNullable<Draft['inputs']>[number]['from']['s3']>
type KeyName = 'accessKeyId' | 'secretAccessKey' | 'sessionToken'

interface S3FieldsProps {
  name: string
  s3: S3
  error: string | undefined
  onChange(s3: S3): void
}

/** A file or folder of a bucket. Its keys are names of the job's secrets: none is typed here. */
export function S3Fields({ name, s3, error, onChange }: S3FieldsProps) {
  const { key, prefix, ...place } = s3
  const text = (label: string, placeholder: string, value: string, change: (value: string) => void, wrong?: string) => (
    <TextInput
      aria-label={`${label} of ${name}`}
      placeholder={placeholder}
      value={value}
      error={wrong}
      classNames={{ input: 'mono' }}
      flex="1 1 140px"
      onChange={({ currentTarget }) => change(currentTarget.value)}
    />
  )
  const secret = (label: string, field: KeyName) =>
    text(label, `${label}: name of a secret`, s3[field]?.secret ?? '', (value) => {
      const { [field]: _before, ...rest } = s3
      onChange(value === '' ? rest : { ...rest, [field]: { secret: value.trim() } })
    })
  const where = (label: string, placeholder: string, field: 'endpoint' | 'region') =>
    text(label, placeholder, s3[field] ?? '', (value) => {
      const { [field]: _before, ...rest } = s3
      onChange(value === '' ? rest : { ...rest, [field]: value.trim() })
    })
  return (
    <Group gap={6} align="flex-start">
      {text('Bucket', 'Bucket', s3.bucket, (bucket) => onChange({ ...s3, bucket: bucket.trim() }), error)}
      {text('Object', 'Key, or a folder with / at its end', key ?? prefix ?? '', (value) =>
        onChange({ ...place, ...(value.endsWith('/') ? { prefix: value } : { key: value }) }),
      )}
      {where('Region', 'us-east-1', 'region')}
      {where('Endpoint', 'https:// of a server that is not Amazon’s', 'endpoint')}
      {secret('Access key', 'accessKeyId')}
      {secret('Secret key', 'secretAccessKey')}
      {secret('Session token', 'sessionToken')}
    </Group>
  )
}
