import { Group, TextInput } from '@mantine/core'
import type { Draft } from '../submission.ts'

type Git = NonNullable<NonNullable<Draft['inputs']>[number]['from']['git']>

interface GitFieldsProps {
  name: string
  git: Git
  error: string | undefined
  onChange(git: Git): void
}

/** A repository. Its token is the name of one of the job's secrets: none is typed here. */
export function GitFields({ name, git: { url, ref = '', token }, error, onChange }: GitFieldsProps) {
  const change = (to: string, at: string, secret: string) =>
    onChange({ url: to, ...(at !== '' && { ref: at }), ...(secret !== '' && { token: { secret } }) })
  const secret = token?.secret ?? ''
  const mono = { classNames: { input: 'mono' } }
  return (
    <Group gap={6} align="flex-start">
      <TextInput
        aria-label={`Repository of ${name}`}
        placeholder="https://example.com/repository.git"
        value={url}
        error={error}
        flex="2 1 200px"
        onChange={({ currentTarget }) => change(currentTarget.value.trim(), ref, secret)}
        {...mono}
      />
      <TextInput
        aria-label={`Branch, tag or commit of ${name}`}
        placeholder="Branch, tag or commit"
        value={ref}
        flex="1 1 100px"
        onChange={({ currentTarget }) => change(url, currentTarget.value.trim(), secret)}
        {...mono}
      />
      <TextInput
        aria-label={`Token of ${name}`}
        placeholder="token: name of a secret"
        value={secret}
        flex="1 1 100px"
        onChange={({ currentTarget }) => change(url, ref, currentTarget.value.trim())}
        {...mono}
      />
    </Group>
  )
}
