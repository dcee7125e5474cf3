import { Checkbox, Group, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import { Remove, Rows } from './rows.tsx'
import { Source } from './source.tsx'
import type { DraftEditor } from './use-draft.ts'

type Input = NonNullable<Draft['inputs']>[number]

/** What the job brings, of any of the kinds of `SOURCE_KINDS`. */
export function InputFields({ editor: { draft, set }, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const inputs = draft.inputs ?? []
  const change = (i: number, part: Partial<Input>) =>
    set('inputs', inputs.with(i, { ...(inputs[i] as Input), ...part }))
  return (
    <Rows
      label="Inputs"
      description="Files and folders that stand in the container before the program begins. Drop them here, or choose where they come from."
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
            from={input.from}
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
          isFile
          from={stdin}
          error={errorAt(problems, 'stdin')}
          onChange={(from) => set('stdin', from)}
        />
      )}
    </div>
  )
}

function withMode({ mode: _before, ...rest }: Input, isWritable: boolean): Input {
  return isWritable ? { ...rest, mode: 'rw' } : rest
}
