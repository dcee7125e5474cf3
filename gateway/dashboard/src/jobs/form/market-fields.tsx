import { NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import type { FieldProblem } from '../../../../client/errors.ts'
import { providersQuery } from '../queries.ts'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import type { DraftEditor } from './use-draft.ts'

/** Who may run it, and for what price. */
export function MarketFields({ editor, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const { data: providers = [] } = useQuery(providersQuery)
  const { draft, set } = editor
  const known = providers.map(({ id, name, status }) => ({
    value: id,
    label: `${name || `…${id.slice(-8)}`}${status === 'online' ? '' : ` (${status})`}`,
  }))
  const isStrange =
    draft.provider !== undefined && draft.provider !== 'p2p' && !known.some(({ value }) => value === draft.provider)
  return (
    <div className="form-grid">
      <Select
        label="Network or provider"
        data={[
          { value: 'p2p', label: 'Any provider of the network (p2p)' },
          ...known,
          ...(isStrange ? [{ value: draft.provider ?? '', label: draft.provider ?? '' }] : []),
        ]}
        value={draft.provider ?? 'p2p'}
        allowDeselect={false}
        searchable
        error={errorAt(problems, 'provider')}
        onChange={(value) => set('provider', value === 'p2p' || value === null ? undefined : value)}
      />
      <Stack gap={4}>
        <Text size="sm" fw={500} id="strategy-label">
          Prefer
        </Text>
        <SegmentedControl
          aria-labelledby="strategy-label"
          data={[
            { value: 'cost', label: 'Price' },
            { value: 'performance', label: 'Performance' },
            { value: 'availability', label: 'Availability' },
          ]}
          value={draft.providerStrategy ?? 'cost'}
          onChange={(value) =>
            set('providerStrategy', value === 'cost' ? undefined : (value as Draft['providerStrategy']))
          }
        />
      </Stack>
      <NumberInput
        label="Highest price"
        description="US dollars per hour; empty is any."
        prefix="$"
        value={draft.maxPrice === undefined ? '' : Number(draft.maxPrice)}
        min={0}
        step={0.01}
        decimalScale={9}
        error={errorAt(problems, 'maxPrice')}
        onChange={(value) => set('maxPrice', typeof value === 'number' ? value : undefined)}
      />
      <TextInput
        label="Region"
        description="As providers name theirs; empty is any."
        value={draft.constraints?.region ?? ''}
        error={errorAt(problems, 'constraints')}
        onChange={(event) => {
          const { region: _before, ...rest } = draft.constraints ?? {}
          const region = event.currentTarget.value
          set('constraints', region === '' ? rest : { ...rest, region })
        }}
      />
    </div>
  )
}
