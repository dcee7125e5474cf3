import { NumberInput, Select, TagsInput, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { GPU_INTERCONNECTS, GPU_VENDORS } from '../../../../contract/gpu-words.ts'
import { BytesInput } from '../../ui/bytes-input.tsx'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import type { DraftEditor } from './use-draft.ts'

type Asked = NonNullable<Draft['gpuRequirements']>

/** How many GPUs, and once there is one, which. @param models names that the network has */
export function GpuFields({
  editor: { draft, set },
  problems,
  most,
  models,
}: {
  editor: DraftEditor
  problems: FieldProblem[]
  most: number
  models: string[]
}) {
  const asked: Asked = draft.gpuRequirements ?? {}
  const ask = <K extends keyof Asked>(name: K, value: Asked[K] | undefined) => {
    const { [name]: _before, ...rest } = asked
    const next = value === undefined ? rest : { ...rest, [name]: value }
    set('gpuRequirements', Object.keys(next).length === 0 ? undefined : next)
  }
  const setCount = (value: number | string) => {
    const count = typeof value === 'number' && value > 0 ? value : undefined
    set('gpu', count)
    if (count === undefined) set('gpuRequirements', undefined)
  }
  return (
    <>
      <NumberInput
        label="GPUs"
        description="All of one kind."
        value={draft.gpu ?? 0}
        min={0}
        max={most}
        error={errorAt(problems, 'gpu') ?? errorAt(problems, 'gpuRequirements')}
        onChange={setCount}
      />
      {(draft.gpu ?? 0) > 0 && (
        <>
          <TagsInput
            label="GPU models"
            description="Any of these, e.g. h100; empty is any."
            data={models}
            value={asked.models ?? []}
            error={errorAt(problems, 'gpuRequirements.models')}
            onChange={(names) => ask('models', names.length === 0 ? undefined : names)}
          />
          <BytesInput
            label="VRAM"
            name="VRAM"
            description="Of each at least, as it is sold."
            value={asked.minVram === undefined ? undefined : String(asked.minVram)}
            placeholder="any"
            error={errorAt(problems, 'gpuRequirements.minVram')}
            onChange={(value) => ask('minVram', value)}
          />
          <Select
            label="GPU maker"
            data={[...GPU_VENDORS]}
            value={asked.vendor ?? null}
            placeholder="any"
            clearable
            onChange={(value) => ask('vendor', (value ?? undefined) as Asked['vendor'])}
          />
          <Select
            label="Interconnect"
            description="What joins them."
            data={[...GPU_INTERCONNECTS]}
            value={asked.interconnect ?? null}
            placeholder="any"
            clearable
            error={errorAt(problems, 'gpuRequirements.interconnect')}
            onChange={(value) => ask('interconnect', (value ?? undefined) as Asked['interconnect'])}
          />
          <TextInput
            label="Compute capability"
            description="At least, e.g. 9.0, or gfx942."
            value={asked.minCompute ?? ''}
            error={errorAt(problems, 'gpuRequirements.minCompute')}
            onChange={(event) => ask('minCompute', event.currentTarget.value || undefined)}
          />
          <TextInput
            label="CUDA"
            description="At least, e.g. >=12.4."
            value={asked.cuda ?? ''}
            error={errorAt(problems, 'gpuRequirements.cuda')}
            onChange={(event) => ask('cuda', event.currentTarget.value || undefined)}
          />
        </>
      )}
    </>
  )
}
