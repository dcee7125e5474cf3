import { Alert, Button, Checkbox, Stack, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { Card } from '../../ui/card.tsx'
import { PortFields, VolumeFields } from './container-fields.tsx'
import { errorAt, otherProblems } from './field-errors.ts'
import { InputFields, StdinField } from './input-fields.tsx'
import { MapInput } from './map-input.tsx'
import { MarketFields } from './market-fields.tsx'
import { MoreFields } from './more-fields.tsx'
import { ResourceFields } from './resource-fields.tsx'
import type { DraftEditor } from './use-draft.ts'
import { WordsInput } from './words-input.tsx'

const SHOWN = [
  'name',
  'image',
  'imageFrom',
  'command',
  'args',
  'cpu',
  'memory',
  'storage',
  'gpu',
  'gpuRequirements',
  'platform',
  'isolation',
  'duration',
  'provider',
  'providerStrategy',
  'maxPrice',
  'constraints',
  'env',
  'secrets',
  'volumes',
  'inputs',
  'stdin',
  'ports',
  'network',
  'registryCredentials',
  'imagePullPolicy',
  'outputs',
  'shmSize',
  'pids',
  'ulimits',
  'workdir',
  'user',
  'tty',
  'init',
  'maxAttempts',
  'queueTimeout',
  'autoExtend',
  'maxDuration',
  'labels',
]

function pushedImage(digest: string): { upload: string } | undefined {
  return digest === '' ? undefined : { upload: digest.trim() }
}

/** A job's fields, each with what the gateway says of it. */
export function JobForm({ editor, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const { draft, set } = editor
  const others = otherProblems(problems, SHOWN)
  return (
    <Stack gap="md">
      {editor.wasKept && (
        <Alert color="gray" variant="light">
          This was begun before and not submitted; values of secrets may have to be given again.{' '}
          <Button size="compact-sm" variant="default" onClick={editor.startOver}>
            Start over
          </Button>
        </Alert>
      )}
      {others.length > 0 && (
        <Alert color="red" variant="light" role="alert" data-problems tabIndex={-1}>
          {others.map(({ path, message }) => (
            <div key={`${path} ${message}`}>
              <code>{path}</code> {message}
            </div>
          ))}
        </Alert>
      )}
      <Card title="Container">
        <Stack gap="sm">
          <TextInput
            label="Job name"
            description="What you call it: in lists, and in commands in place of its id."
            placeholder="train"
            value={draft.name ?? ''}
            error={errorAt(problems, 'name')}
            onChange={(event) => set('name', event.currentTarget.value.trim() || undefined)}
            spellCheck={false}
            autoComplete="off"
          />
          <TextInput
            label="Docker image"
            placeholder="busybox:1.36"
            required
            value={draft.image ?? ''}
            error={errorAt(problems, 'image')}
            onChange={(event) => set('image', event.currentTarget.value)}
            classNames={{ input: 'mono' }}
            spellCheck={false}
            autoComplete="off"
          />
          <TextInput
            label="Image that was pushed"
            description="The digest that cortex image push printed; empty where a registry has the image."
            placeholder="sha256:…"
            value={draft.imageFrom?.upload ?? ''}
            error={errorAt(problems, 'imageFrom')}
            onChange={(event) => set('imageFrom', pushedImage(event.currentTarget.value))}
            classNames={{ input: 'mono' }}
            spellCheck={false}
            autoComplete="off"
          />
          <WordsInput
            label="Command"
            description="Replaces the image’s entrypoint; empty keeps it."
            placeholder="sh -c 'echo hello'"
            value={draft.command}
            error={errorAt(problems, 'command')}
            onChange={(words) => set('command', words)}
          />
          <WordsInput
            label="Arguments"
            value={draft.args}
            error={errorAt(problems, 'args')}
            onChange={(words) => set('args', words)}
          />
        </Stack>
      </Card>
      <Card title="Resources">
        <ResourceFields editor={editor} problems={problems} />
      </Card>
      <Card title="Provider">
        <MarketFields editor={editor} problems={problems} />
      </Card>
      <Card title="Environment">
        <Stack>
          <MapInput
            label="Variables"
            description="Seen by everybody who may see the job."
            entry="variable"
            value={draft.env}
            error={errorAt(problems, 'env')}
            onChange={(value) => set('env', value)}
          />
          <MapInput
            label="Secrets"
            description="Variables that are stored encrypted, given to the provider alone, and never shown again."
            entry="secret"
            isSecret
            value={draft.secrets}
            error={errorAt(problems, 'secrets')}
            onChange={(value) => set('secrets', value)}
          />
        </Stack>
      </Card>
      <Card title="Storage and network">
        <Stack>
          <InputFields editor={editor} problems={problems} />
          <StdinField editor={editor} problems={problems} />
          <VolumeFields editor={editor} problems={problems} />
          <PortFields editor={editor} problems={problems} />
          <Checkbox
            label="Without a network"
            description="The container reaches nothing, and nobody reaches its ports."
            checked={draft.network === 'none'}
            error={errorAt(problems, 'network')}
            onChange={(event) => set('network', event.currentTarget.checked ? 'none' : undefined)}
          />
        </Stack>
      </Card>
      <Card title="More">
        <MoreFields editor={editor} problems={problems} />
      </Card>
    </Stack>
  )
}
