import { Button, Checkbox, Group, NumberInput, Select, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { BytesInput } from '../../ui/bytes-input.tsx'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { Remove, Rows } from './rows.tsx'
import type { DraftEditor } from './use-draft.ts'

type Volume = NonNullable<Draft['volumes']>[number]
type Port = NonNullable<Draft['ports']>[number]

/** The container's volumes: new ones, and those that earlier jobs left. */
export function VolumeFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const volumes = draft.volumes ?? []
  const change = (i: number, volume: Volume) => set('volumes', volumes.with(i, volume))
  const add = (volume: Volume) => set('volumes', [...volumes, volume])
  return (
    <Rows
      label="Volumes"
      description="One with a time to keep stays at its provider so long after its last use, for later jobs; its id is on the page of the job."
      entry="volume"
      onAdd={() => add({ name: `data${volumes.length || ''}`, mountPath: '/data', size: '1Gi' })}
      error={errorAt(problems, 'volumes', false)}
      more={
        <Button size="compact-sm" variant="default" onClick={() => add({ volume: '', mountPath: '/data' })}>
          Take up a kept volume
        </Button>
      }
    >
      {volumes.map((volume, i) => (
        <VolumeRow
          // biome-ignore lint/suspicious/noArrayIndexKey: names change as they are typed, places do not
          key={i}
          {...{ volume, i, problems }}
          onChange={(changed) => change(i, changed)}
          onRemove={() => set('volumes', volumes.toSpliced(i, 1))}
        />
      ))}
    </Rows>
  )
}

interface VolumeRowProps {
  volume: Volume
  i: number
  problems: FieldProblem[]
  onChange(volume: Volume): void
  onRemove(): void
}

function VolumeRow({ volume, i, problems, onChange, onRemove }: VolumeRowProps) {
  const isThere = volume.volume !== undefined
  const { shared: _before, ...alone } = volume
  const named = isThere ? 'volume' : 'name'
  return (
    <Group gap={6} align="flex-start" className="form-row">
      <TextInput
        aria-label={`${isThere ? 'Id' : 'Name'} of volume ${i + 1}`}
        value={volume[named] ?? ''}
        placeholder={isThere ? 'vol_…' : undefined}
        error={errorAt(problems, `volumes[${i}].${named}`)}
        onChange={(event) => onChange({ ...volume, [named]: event.currentTarget.value })}
        flex="1 1 90px"
      />
      <TextInput
        aria-label={`Mount path of volume ${i + 1}`}
        value={volume.mountPath}
        error={errorAt(problems, `volumes[${i}].mountPath`)}
        onChange={(event) => onChange({ ...volume, mountPath: event.currentTarget.value })}
        classNames={{ input: 'mono' }}
        flex="2 1 120px"
      />
      {!isThere && (
        <div className="form-bytes">
          <BytesInput
            name={`Size of volume ${i + 1}`}
            value={String(volume.size)}
            error={errorAt(problems, `volumes[${i}].size`)}
            onChange={(size) => onChange({ ...volume, size: size ?? '' })}
          />
        </div>
      )}
      {!isThere && <KeepInput {...{ volume, i, problems, onChange }} />}
      {(isThere || volume.keep !== undefined) && (
        <Checkbox
          label="Shared"
          aria-label={`Whether others may have volume ${i + 1} at the same time`}
          checked={volume.shared ?? false}
          error={errorAt(problems, `volumes[${i}].shared`)}
          onChange={(event) => onChange(event.currentTarget.checked ? { ...volume, shared: true } : alone)}
          mt={8}
        />
      )}
      <Remove what={`volume ${i + 1}`} onClick={onRemove} />
    </Group>
  )
}

const DAY = 86_400

/** Nobody but the job has a volume that goes with it. */
function KeepInput({ volume, i, problems, onChange }: Omit<VolumeRowProps, 'onRemove'>) {
  const { keep, shared: _shared, ...passing } = volume
  return (
    <NumberInput
      aria-label={`Days to keep volume ${i + 1}`}
      placeholder="Goes with the job"
      value={keep === undefined ? '' : Number(keep) / DAY}
      min={0}
      suffix=" days kept"
      hideControls
      error={errorAt(problems, `volumes[${i}].keep`)}
      onChange={(days) => {
        onChange(typeof days === 'number' && days > 0 ? { ...volume, keep: Math.round(days * DAY) } : passing)
      }}
      w={140}
    />
  )
}

/** The ports that the container listens on. */
export function PortFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const ports = draft.ports ?? []
  const change = (i: number, part: Partial<Port>) => set('ports', ports.with(i, { ...(ports[i] as Port), ...part }))
  return (
    <Rows
      label="Ports"
      description="Everybody reaches a public one, without a key, at the address of its provider, which has to have one."
      entry="port"
      onAdd={() => set('ports', [...ports, { port: 8080, expose: true, protocol: 'TCP' }])}
      error={errorAt(problems, 'ports', false)}
    >
      {ports.map((port, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: numbers change as they are typed, places do not
        <Group key={i} gap={10} align="center" className="form-row">
          <NumberInput
            aria-label={`Number of port ${i + 1}`}
            value={port.port}
            min={1}
            max={65_535}
            clampBehavior="none"
            hideControls
            error={errorAt(problems, `ports[${i}].port`)}
            onChange={(value) => change(i, { port: Number(value) })}
            w={110}
          />
          <Select
            aria-label={`Protocol of port ${i + 1}`}
            data={['TCP', 'UDP']}
            value={port.protocol ?? 'TCP'}
            allowDeselect={false}
            onChange={(value) => change(i, { protocol: value as 'TCP' | 'UDP' })}
            w={90}
          />
          <Checkbox
            label="Reached from outside"
            checked={port.expose ?? true}
            onChange={(event) => set('ports', ports.with(i, reached(port, event.currentTarget.checked)))}
          />
          <Checkbox
            label="Public"
            checked={port.public ?? false}
            disabled={!(port.expose ?? true)}
            error={errorAt(problems, `ports[${i}].public`)}
            onChange={(event) => set('ports', ports.with(i, published(port, event.currentTarget.checked)))}
          />
          <Remove what={`port ${i + 1}`} onClick={() => set('ports', ports.toSpliced(i, 1))} />
        </Group>
      ))}
    </Rows>
  )
}

/** What is not reached at all is not public either. */
function reached(port: Port, expose: boolean): Port {
  return { ...(expose ? port : published(port, false)), expose }
}

function published({ public: _before, ...rest }: Port, isPublic: boolean): Port {
  return isPublic ? { ...rest, public: true } : rest
}
