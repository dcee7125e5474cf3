import { Checkbox, Group, NumberInput, Select, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { BytesInput } from '../../ui/bytes-input.tsx'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { Remove, Rows } from './rows.tsx'
import type { DraftEditor } from './use-draft.ts'

type Volume = NonNullable<Draft['volumes']>[number]
type Port = NonNullable<Draft['ports']>[number]

/** The container's volumes. */
export function VolumeFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const volumes = draft.volumes ?? []
  const change = (i: number, part: Partial<Volume>) =>
    set('volumes', volumes.with(i, { ...(volumes[i] as Volume), ...part }))
  return (
    <Rows
      label="Volumes"
      entry="volume"
      onAdd={() =>
        set('volumes', [...volumes, { name: `data${volumes.length || ''}`, mountPath: '/data', size: '1Gi' }])
      }
      error={errorAt(problems, 'volumes', false)}
    >
      {volumes.map((volume, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: names change as they are typed, places do not
        <Group key={i} gap={6} align="flex-start" className="form-row">
          <TextInput
            aria-label={`Name of volume ${i + 1}`}
            value={volume.name}
            error={errorAt(problems, `volumes[${i}].name`)}
            onChange={(event) => change(i, { name: event.currentTarget.value })}
            flex="1 1 90px"
          />
          <TextInput
            aria-label={`Mount path of volume ${i + 1}`}
            value={volume.mountPath}
            error={errorAt(problems, `volumes[${i}].mountPath`)}
            onChange={(event) => change(i, { mountPath: event.currentTarget.value })}
            classNames={{ input: 'mono' }}
            flex="2 1 120px"
          />
          <div className="form-bytes">
            <BytesInput
              name={`Size of volume ${i + 1}`}
              value={String(volume.size)}
              error={errorAt(problems, `volumes[${i}].size`)}
              onChange={(size) => change(i, { size: size ?? '' })}
            />
          </div>
          <Remove what={`volume ${i + 1}`} onClick={() => set('volumes', volumes.toSpliced(i, 1))} />
        </Group>
      ))}
    </Rows>
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
