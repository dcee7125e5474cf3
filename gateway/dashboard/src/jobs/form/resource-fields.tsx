import { NumberInput, Slider, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import type { FieldProblem } from '../../../../client/errors.ts'
import type { Provider } from '../../../../client/index.ts'
import { JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { bytes, bytesOf, cores } from '../../format/amounts.ts'
import { BytesInput } from '../../ui/bytes-input.tsx'
import { DurationInput } from '../../ui/duration-input.tsx'
import { useProviders } from '../queries.ts'
import { errorAt } from './field-errors.ts'
import { GpuFields } from './gpu-fields.tsx'
import type { DraftEditor } from './use-draft.ts'

const MIB = 2 ** 20
const GIB = 2 ** 30
/** Where no provider is known yet. */
const UNKNOWN = { cpu: 8000, memory: 16 * GIB, storage: 100 * GIB, gpu: 0 }

/** The most that one provider of the network has in all. */
function mostOf(providers: Provider[]) {
  const there = providers.filter(({ status }) => status !== 'offline').map(({ capacity }) => capacity.total)
  if (there.length === 0) return UNKNOWN
  return {
    cpu: Math.max(...there.map(({ cpu }) => cpu)),
    memory: Math.max(...there.map(({ memory }) => bytesOf(memory))),
    storage: Math.max(...there.map(({ storage }) => bytesOf(storage))),
    gpu: Math.max(...there.map(({ gpu }) => gpu.reduce((sum, { count }) => sum + count, 0))),
  }
}

/** Names of the GPUs that the network has. */
function modelsOf(providers: Provider[]): string[] {
  const names = providers.flatMap(({ capacity }) => capacity.total.gpu.map(({ model }) => model))
  return [...new Set(names)].filter((name) => name !== '').sort()
}

/** What the job needs, up to what the network has. */
export function ResourceFields({ editor, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const { data: providers = [] } = useProviders()
  const { draft, set } = editor
  const most = mostOf(providers)
  const cpu = draft.cpu ?? JOB_DEFAULTS.cpu
  const memory = bytesOf(String(draft.memory ?? JOB_DEFAULTS.memory))
  const storage = bytesOf(String(draft.storage ?? JOB_DEFAULTS.storage))
  return (
    <div className="form-grid">
      <Bounded most={`up to ${cores(most.cpu)}`}>
        <NumberInput
          label="CPU"
          suffix={cpu === 1000 ? ' core' : ' cores'}
          value={draft.cpu === undefined ? '' : draft.cpu / 1000}
          placeholder="1 core"
          min={0}
          step={0.5}
          decimalScale={3}
          allowNegative={false}
          error={errorAt(problems, 'cpu')}
          onChange={(value) => set('cpu', typeof value === 'number' ? Math.round(value * 1000) : undefined)}
        />
        <Slider
          thumbLabel="CPU"
          label={cores}
          min={100}
          max={Math.max(most.cpu, 200)}
          step={100}
          value={Math.min(cpu, most.cpu)}
          onChange={(value) => set('cpu', value)}
        />
      </Bounded>
      <Bounded most={`up to ${bytes(most.memory)}`}>
        <BytesInput
          label="Memory"
          name="Memory"
          value={draft.memory === undefined ? undefined : String(draft.memory)}
          placeholder="512 MiB"
          error={errorAt(problems, 'memory')}
          onChange={(value) => set('memory', value)}
        />
        <Slider
          thumbLabel="Memory"
          label={bytes}
          min={64 * MIB}
          max={Math.max(most.memory, 128 * MIB)}
          step={64 * MIB}
          value={Math.min(memory, most.memory)}
          onChange={(value) => set('memory', `${Math.round(value / MIB)}Mi`)}
        />
      </Bounded>
      <Bounded most={`up to ${bytes(most.storage)}`}>
        <BytesInput
          label="Storage"
          name="Storage"
          value={draft.storage === undefined ? undefined : String(draft.storage)}
          placeholder="1 GiB"
          error={errorAt(problems, 'storage')}
          onChange={(value) => set('storage', value)}
        />
        <Slider
          thumbLabel="Storage"
          label={bytes}
          min={GIB / 4}
          max={Math.max(most.storage, GIB)}
          step={GIB / 4}
          value={Math.min(storage, most.storage)}
          onChange={(value) => set('storage', `${Math.round(value / MIB)}Mi`)}
        />
      </Bounded>
      <DurationInput
        label="Duration"
        description="It is stopped when this is over."
        value={draft.duration}
        placeholder="1 hour"
        error={errorAt(problems, 'duration')}
        onChange={(value) => set('duration', value)}
      />
      {(most.gpu > 0 || (draft.gpu ?? 0) > 0) && (
        <GpuFields editor={editor} problems={problems} most={most.gpu} models={modelsOf(providers)} />
      )}
    </div>
  )
}

function Bounded({ most, children }: { most: string; children: ReactNode }) {
  return (
    <Stack gap={6}>
      {children}
      <Text size="xs" c="dimmed">
        {most} on one machine
      </Text>
    </Stack>
  )
}
