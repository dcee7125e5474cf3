import { Checkbox, Group, TextInput } from '@mantine/core'
import type { Draft } from '../submission.ts'

type Git = NonNullable<NonNullable<Draft['inputs']>[number]['from']['git']>

interface GitFieldsProps {
  name: string
  git: Git
  error: string | undefined
  onChange(git: Git): void
}

/** A repository. Its token is the name of one of the job's secrets: none is typed here. */
export function GitFields({
  name,
  git: { url, ref = '', token, submodules = false },
  error,
  onChange,
}: GitFieldsProps) {
  const secret = token?.secret ?? ''
  const change = (said: Partial<{ to: string; at: string; key: string; all: boolean }>) => {
    const { to, at, key, all } = { ...{ to: url, at: ref, key: secret, all: submodules }, ...said }
    onChange({
      ...{ url: to, ...(at !== '' && { ref: at }), ...(key !== '' && { token: { secret: key } }) },
      ...(all && { submodules: true }),
    })
  }
  const mono = { classNames: { input: 'mono' } }
  return (
    <Group gap={6} align="flex-start">
      <TextInput
        aria-label={`Repository of ${name}`}
        placeholder="https://example.com/repository.git"
        value={url}
        error={error}
        flex="2 1 200px"
        onChange={({ currentTarget }) => change({ to: currentTarget.value.trim() })}
        {...mono}
      />
      <TextInput
        aria-label={`Branch, tag or commit of ${name}`}
        placeholder="Branch, tag or commit"
        value={ref}
        flex="1 1 100px"
        onChange={({ currentTarget }) => change({ at: currentTarget.value.trim() })}
        {...mono}
      />
      <TextInput
        aria-label={`Token of ${name}`}
        placeholder="token: name of a secret"
        value={secret}
        flex="1 1 100px"
        onChange={({ currentTarget }) => change({ key: currentTarget.value.trim() })}
        {...mono}
      />
      <Checkbox
        aria-label={`Submodules of ${name}`}
        label="Submodules, too"
        checked={submodules}
        onChange={({ currentTarget }) => change({ all: currentTarget.checked })}
      />
    </Group>
  )
}
