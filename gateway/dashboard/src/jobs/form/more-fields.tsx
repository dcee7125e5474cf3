import { Checkbox, NumberInput, PasswordInput, Select, Stack, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { JOB_DEFAULTS, MAX_ATTEMPTS } from '../../../../contract/job-defaults.ts'
import { span } from '../../format/time.ts'
import { BytesInput } from '../../ui/bytes-input.tsx'
import { DurationInput } from '../../ui/duration-input.tsx'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { MapInput } from './map-input.tsx'
import { OutputsInput } from './outputs-input.tsx'
import type { DraftEditor } from './use-draft.ts'

type Credentials = NonNullable<Draft['registryCredentials']>

interface Props {
  editor: DraftEditor
  problems: FieldProblem[]
}

/** What most jobs leave as it is. */
export function MoreFields({ editor, problems }: Props) {
  const { draft, set } = editor
  return (
    <Stack>
      <div className="form-grid">
        <RegistryFields editor={editor} problems={problems} />
        <Select
          label="Pull the image"
          data={['Always', 'IfNotPresent', 'Never']}
          value={draft.imagePullPolicy ?? JOB_DEFAULTS.imagePullPolicy}
          allowDeselect={false}
          onChange={(value) =>
            set(
              'imagePullPolicy',
              value === JOB_DEFAULTS.imagePullPolicy ? undefined : (value as Draft['imagePullPolicy']),
            )
          }
        />
        <OutputsInput
          value={draft.outputs}
          error={errorAt(problems, 'outputs')}
          onChange={(value) => set('outputs', value)}
        />
        <ProcessFields editor={editor} problems={problems} />
        <PatienceFields editor={editor} problems={problems} />
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

function RegistryFields({ editor: { draft, set }, problems }: Props) {
  const registry = draft.registryCredentials
  const credentials = (part: Partial<Credentials>) => {
    const next = { serverAddress: '', username: '', password: '', ...registry, ...part }
    set('registryCredentials', Object.values(next).every((text) => text === '') ? undefined : next)
  }
  return (
    <>
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
    </>
  )
}

/** What its processes may use. */
function ProcessFields({ editor: { draft, set }, problems }: Props) {
  return (
    <>
      <BytesInput
        label="Shared memory"
        name="Shared memory"
        description="Of /dev/shm, part of its memory."
        value={draft.shmSize === undefined ? undefined : String(draft.shmSize)}
        placeholder="half of the memory"
        error={errorAt(problems, 'shmSize')}
        onChange={(value) => set('shmSize', value)}
      />
      <BytesInput
        label="Traffic"
        name="Traffic"
        description="Sent and received in all; it is ended there."
        value={draft.maxNetwork === undefined ? undefined : String(draft.maxNetwork)}
        placeholder="no limit"
        error={errorAt(problems, 'maxNetwork')}
        onChange={(value) => set('maxNetwork', value)}
      />
      <NumberInput
        label="Processes"
        description="And threads, at once."
        value={draft.pids ?? ''}
        placeholder="512"
        min={16}
        max={4096}
        clampBehavior="none"
        error={errorAt(problems, 'pids')}
        onChange={(value) => set('pids', typeof value === 'number' ? value : undefined)}
      />
      <NumberInput
        label="Open files"
        description="Of each process."
        value={draft.ulimits?.nofile ?? ''}
        placeholder="16384"
        min={64}
        max={1_048_576}
        clampBehavior="none"
        error={errorAt(problems, 'ulimits.nofile')}
        onChange={(value) => set('ulimits', typeof value === 'number' ? { nofile: value } : undefined)}
      />
      <TextInput
        label="Working folder"
        description="In which the program begins."
        placeholder="the image’s own"
        value={draft.workdir ?? ''}
        classNames={{ input: 'mono' }}
        error={errorAt(problems, 'workdir')}
        onChange={(event) => set('workdir', event.currentTarget.value || undefined)}
      />
      <TextInput
        label="User"
        description="As whom it runs: app, or 1000:1000."
        placeholder="the image’s own"
        value={draft.user ?? ''}
        classNames={{ input: 'mono' }}
        error={errorAt(problems, 'user')}
        onChange={(event) => set('user', event.currentTarget.value || undefined)}
      />
      <Checkbox
        label="A terminal for what it writes"
        description="Colours, and lines at once."
        checked={draft.tty === true}
        onChange={(event) => set('tty', event.currentTarget.checked || undefined)}
      />
      <Select
        label="Init"
        description="Process 1, before the program."
        data={[
          { value: '', label: 'unless the program is one' },
          { value: 'true', label: 'always' },
          { value: 'false', label: 'none' },
        ]}
        value={draft.init === undefined ? '' : String(draft.init)}
        allowDeselect={false}
        onChange={(value) => set('init', value === '' || value === null ? undefined : value === 'true')}
      />
    </>
  )
}

/** How long it looks for a provider, tries again, and goes on. */
function PatienceFields({ editor: { draft, set }, problems }: Props) {
  return (
    <>
      <NumberInput
        label="Attempts"
        description="In all, where a provider is lost."
        value={draft.maxAttempts ?? ''}
        placeholder={String(JOB_DEFAULTS.maxAttempts)}
        min={1}
        max={MAX_ATTEMPTS}
        clampBehavior="none"
        error={errorAt(problems, 'maxAttempts')}
        onChange={(value) => set('maxAttempts', typeof value === 'number' ? value : undefined)}
      />
      <DurationInput
        label="Look for a provider for"
        value={draft.queueTimeout}
        placeholder={span(JOB_DEFAULTS.queueTimeout)}
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
    </>
  )
}
