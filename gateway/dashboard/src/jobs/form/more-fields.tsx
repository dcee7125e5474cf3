import { Checkbox, NumberInput, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { DurationInput } from '../../ui/duration-input.tsx'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { MapInput } from './map-input.tsx'
import type { DraftEditor } from './use-draft.ts'

type Credentials = NonNullable<Draft['registryCredentials']>

/** What most jobs leave as it is. */
export function MoreFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const registry = draft.registryCredentials
  const credentials = (part: Partial<Credentials>) => {
    const next = { serverAddress: '', username: '', password: '', ...registry, ...part }
    set('registryCredentials', Object.values(next).every((text) => text === '') ? undefined : next)
  }
  return (
    <Stack>
      <div className="form-grid">
        <TextInput
          label="Registry"
          description="Of a private image, e.g. ghcr.io"
          value={registry?.serverAddress ?? ''}
          error={errorAt(problems, 'registryCredentials.serverAddress')}
          onChange={(event) => credentials({ serverAddress: event.currentTarget.value })}
        />
        <TextInput
          label="Registry user"
          description="Only the provider learns it."
          value={registry?.username ?? ''}
          autoComplete="off"
          error={errorAt(problems, 'registryCredentials.username')}
          onChange={(event) => credentials({ username: event.currentTarget.value })}
        />
        <PasswordInput
          label="Registry password or token"
          description="It never comes back."
          value={registry?.password ?? ''}
          autoComplete="off"
          error={errorAt(problems, 'registryCredentials.password')}
          onChange={(event) => credentials({ password: event.currentTarget.value })}
        />
        <Select
          label="Pull the image"
          data={['Always', 'IfNotPresent', 'Never']}
          value={draft.imagePullPolicy ?? 'IfNotPresent'}
          allowDeselect={false}
          onChange={(value) =>
            set('imagePullPolicy', value === 'IfNotPresent' ? undefined : (value as Draft['imagePullPolicy']))
          }
        />
        <TextInput
          label="Outputs"
          description="A path in the container that is kept when it ends."
          placeholder="/out"
          value={draft.outputs ?? ''}
          classNames={{ input: 'mono' }}
          error={errorAt(problems, 'outputs')}
          onChange={(event) => set('outputs', event.currentTarget.value)}
        />
        <NumberInput
          label="Attempts"
          description="In all, where a provider is lost."
          value={draft.maxAttempts ?? ''}
          placeholder="3"
          min={1}
          max={10}
          clampBehavior="none"
          error={errorAt(problems, 'maxAttempts')}
          onChange={(value) => set('maxAttempts', typeof value === 'number' ? value : undefined)}
        />
        <DurationInput
          label="Look for a provider for"
          value={draft.queueTimeout}
          placeholder="2 minutes"
          error={errorAt(problems, 'queueTimeout')}
          onChange={(value) => set('queueTimeout', value)}
        />
        <Checkbox
          label="Extend by itself"
          description="Up to the longest duration, if the provider agrees."
          checked={draft.autoExtend ?? false}
          onChange={(event) => set('autoExtend', event.currentTarget.checked || undefined)}
        />
        {draft.autoExtend === true && (
          <DurationInput
            label="Longest duration"
            value={draft.maxDuration}
            error={errorAt(problems, 'maxDuration')}
            onChange={(value) => set('maxDuration', value)}
          />
        )}
      </div>
      <MapInput
        label="Labels"
        description="For finding jobs again, and for telling costs apart."
        entry="label"
        value={draft.labels}
        error={errorAt(problems, 'labels')}
        onChange={(value) => set('labels', value)}
      />
    </Stack>
  )
}
