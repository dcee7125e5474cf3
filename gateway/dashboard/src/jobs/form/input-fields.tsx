import { Button, Checkbox, FileButton, Group, Progress, Text, Textarea, TextInput } from '@mantine/core'
import { useState } from 'react'
import type { FieldProblem } from '../../../../client/errors.ts'
import { client } from '../../app/client.ts'
import { bytes } from '../../format/amounts.ts'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { GitFields } from './git-fields.tsx'
import { Remove, Rows } from './rows.tsx'
import { S3Fields } from './s3-fields.tsx'
import type { DraftEditor } from './use-draft.ts'

type Input = NonNullable<Draft['inputs']>[number]

/** What the job brings: texts, files that are uploaded as they are chosen, and what its provider fetches. */
export function InputFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const inputs = draft.inputs ?? []
  const change = (i: number, part: Partial<Input>) =>
    set('inputs', inputs.with(i, { ...(inputs[i] as Input), ...part }))
  return (
    <Rows
      label="Inputs"
      description="Files that stand in the container before the program begins."
      entry="input"
      onAdd={() => set('inputs', [...inputs, { path: `/in/file${inputs.length || ''}`, from: { inline: '' } }])}
      error={errorAt(problems, 'inputs', false)}
    >
      {inputs.map((input, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: paths change as they are typed, places do not
        <Group key={i} gap={6} align="flex-start" className="form-row">
          <TextInput
            aria-label={`Path of input ${i + 1}`}
            value={input.path}
            error={errorAt(problems, `inputs[${i}].path`)}
            onChange={(event) => change(i, { path: event.currentTarget.value })}
            classNames={{ input: 'mono' }}
            flex="1 1 140px"
          />
          <Source
            name={`input ${i + 1}`}
            input={input}
            error={errorAt(problems, `inputs[${i}].from`)}
            onChange={(from) => change(i, { from })}
          />
          <Checkbox
            label="Writable"
            checked={input.mode === 'rw'}
            mt={8}
            onChange={(event) => set('inputs', inputs.with(i, withMode(input, event.currentTarget.checked)))}
          />
          <Remove what={`input ${i + 1}`} onClick={() => set('inputs', inputs.toSpliced(i, 1))} />
        </Group>
      ))}
    </Rows>
  )
}

/** What the program reads from its standard input. */
export function StdinField({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const { stdin } = draft
  return (
    <div>
      <Checkbox
        label="A standard input"
        description="What the program reads, to its end."
        checked={stdin !== undefined}
        onChange={(event) => set('stdin', event.currentTarget.checked ? { inline: '' } : undefined)}
      />
      {stdin !== undefined && (
        <Source
          name="the standard input"
          input={{ from: stdin }}
          error={errorAt(problems, 'stdin')}
          onChange={(from) => set('stdin', from)}
        />
      )}
    </div>
  )
}

interface SourceProps {
  name: string
  input: Pick<Input, 'from'>
  error: string | undefined
  onChange(from: Input['from']): void
}

interface UrlFieldsProps extends Omit<SourceProps, 'input'> {
  from: Input['from']
}

function UrlFields({ name, from: { url = '', sha256 }, error, onChange }: UrlFieldsProps) {
  return (
    <>
      <TextInput
        aria-label={`URL of ${name}`}
        placeholder="https://example.com/model.bin"
        value={url}
        error={error}
        classNames={{ input: 'mono' }}
        onChange={(event) => onChange({ ...(sha256 !== undefined && { sha256 }), url: event.currentTarget.value })}
      />
      <TextInput
        aria-label={`SHA-256 of ${name}`}
        placeholder="SHA-256, so that it is checked and kept there"
        value={sha256 ?? ''}
        mt={4}
        classNames={{ input: 'mono' }}
        onChange={({ currentTarget: { value } }) => onChange(value === '' ? { url } : { url, sha256: value.trim() })}
      />
    </>
  )
}

function Source({ name, input: { from }, error, onChange }: SourceProps) {
  const [state, setState] = useState<{ share: number; text: string } | null>(null)
  async function send(file: File | null): Promise<void> {
    if (file === null) return
    const tell = (done: number): void =>
      setState({
        share: file.size === 0 ? 100 : (100 * done) / file.size,
        text: `${bytes(done)} of ${bytes(file.size)}`,
      })
    tell(0)
    try {
      const { digest } = await client.uploads.create(file, { name: file.name, onProgress: tell })
      setState({ share: 100, text: `${file.name}, ${bytes(file.size)}` })
      if (digest !== null) onChange({ upload: digest })
    } catch (problem) {
      setState({ share: 0, text: problem instanceof Error ? problem.message : String(problem) })
    }
  }
  return (
    <div style={{ flex: '3 1 220px' }}>
      <Given name={name} from={from} error={error} onChange={onChange} />
      <Group gap={6} mt={4}>
        <FileButton onChange={(file) => void send(file)}>
          {(props) => (
            <Button {...props} size="compact-xs" variant="default" aria-label={`Choose a file for ${name}`}>
              Choose a file
            </Button>
          )}
        </FileButton>
        {from.job === undefined && (
          <Button
            size="compact-xs"
            variant="default"
            aria-label={`Output of a job for ${name}`}
            onClick={() => onChange({ job: '' })}
          >
            Output of a job
          </Button>
        )}
        {from.inline === undefined && (
          <Button size="compact-xs" variant="default" onClick={() => onChange({ inline: '' })}>
            Text instead
          </Button>
        )}
        {from.url === undefined && (
          <Button size="compact-xs" variant="default" onClick={() => onChange({ url: '' })}>
            URL instead
          </Button>
        )}
        {from.s3 === undefined && (
          <Button size="compact-xs" variant="default" onClick={() => onChange({ s3: { bucket: '', key: '' } })}>
            S3 instead
          </Button>
        )}
        {from.git === undefined && (
          <Button size="compact-xs" variant="default" onClick={() => onChange({ git: { url: '' } })}>
            Git instead
          </Button>
        )}
        {state !== null && <Text size="xs">{state.text}</Text>}
      </Group>
      {state !== null && state.share < 100 && (
        <Progress value={state.share} size="xs" mt={4} aria-label={`Upload of ${name}`} />
      )}
    </div>
  )
}

/** What is given, by its kind. */
function Given({ name, from, error, onChange }: Omit<SourceProps, 'input'> & { from: Input['from'] }) {
  const mono = { classNames: { input: 'mono' } }
  if (from.inline !== undefined) {
    return (
      <Textarea
        aria-label={`Text of ${name}`}
        value={from.inline}
        error={error}
        autosize
        minRows={1}
        maxRows={12}
        onChange={(event) => onChange({ inline: event.currentTarget.value })}
        {...mono}
      />
    )
  }
  if (from.url !== undefined) return <UrlFields name={name} from={from} error={error} onChange={onChange} />
  if (from.git !== undefined) {
    return <GitFields name={name} git={from.git} error={error} onChange={(git) => onChange({ git })} />
  }
  if (from.s3 !== undefined) {
    return <S3Fields name={name} s3={from.s3} error={error} onChange={(s3) => onChange({ s3 })} />
  }
  if (from.job === undefined) {
    return (
      <TextInput
        aria-label={`Upload of ${name}`}
        value={from.upload ?? ''}
        error={error}
        onChange={(event) => onChange({ upload: event.currentTarget.value })}
        {...mono}
      />
    )
  }
  const { job, path = '' } = from
  const change = (id: string, entry: string) => onChange(entry === '' ? { job: id } : { job: id, path: entry })
  return (
    <Group gap={6} align="flex-start">
      <TextInput
        aria-label={`Job of ${name}`}
        placeholder="job_…"
        value={job}
        error={error}
        onChange={(event) => change(event.currentTarget.value.trim(), path)}
        flex="2 1 160px"
        {...mono}
      />
      <TextInput
        aria-label={`Part of the output for ${name}`}
        placeholder="all of it"
        value={path}
        onChange={(event) => change(job, event.currentTarget.value)}
        flex="1 1 100px"
        {...mono}
      />
    </Group>
  )
}

function withMode({ mode: _before, ...rest }: Input, isWritable: boolean): Input {
  return isWritable ? { ...rest, mode: 'rw' } : rest
}
