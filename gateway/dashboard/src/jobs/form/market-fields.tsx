import { Autocomplete, NumberInput, SegmentedControl, Select, Stack, Text, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../../client/errors.ts'
import { ISOLATIONS, type Isolation } from '../../../../contract/isolation-words.ts'
import { ANY_PROVIDER, JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { shownName } from '../../../../contract/names.ts'
import { useProviders } from '../queries.ts'
import type { Draft } from '../submission.ts'
import { errorAt } from './field-errors.ts'
import type { DraftEditor } from './use-draft.ts'

const ISOLATION_WORDS: Record<Isolation, string> = {
  container: 'Container: the machine’s own kernel',
  gvisor: 'gVisor: a kernel of its own, in a program',
  vm: 'Virtual machine',
}

type Constraints = NonNullable<Draft['constraints']>

/** Who may run it, and for what price. */
export function MarketFields({ editor, problems }: { editor: DraftEditor; problems: FieldProblem[] }) {
  const { data: providers = [] } = useProviders()
  const { draft, set } = editor
  const ask = <K extends keyof Constraints>(name: K, value: Constraints[K] | undefined) => {
    const { [name]: _before, ...rest } = draft.constraints ?? {}
    set('constraints', value === undefined ? rest : { ...rest, [name]: value })
  }
  const known = providers.map(({ id, name, status }) => ({
    value: id,
    label: `${shownName(name, id)}${status === 'online' ? '' : ` (${status})`}`,
  }))
  const isStrange =
    draft.provider !== undefined &&
    draft.provider !== ANY_PROVIDER &&
    !known.some(({ value }) => value === draft.provider)
  return (
    <div className="form-grid">
      <Select
        label="Network or provider"
        data={[
          { value: ANY_PROVIDER, label: `Any provider of the network (${ANY_PROVIDER})` },
          ...known,
          ...(isStrange ? [{ value: draft.provider ?? '', label: draft.provider ?? '' }] : []),
        ]}
        value={draft.provider ?? JOB_DEFAULTS.provider}
        allowDeselect={false}
        searchable
        error={errorAt(problems, 'provider')}
        onChange={(value) => set('provider', value === JOB_DEFAULTS.provider || value === null ? undefined : value)}
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
            { value: 'value', label: 'Price for work' },
          ]}
          value={draft.providerStrategy ?? JOB_DEFAULTS.providerStrategy}
          onChange={(value) =>
            set(
              'providerStrategy',
              value === JOB_DEFAULTS.providerStrategy ? undefined : (value as Draft['providerStrategy']),
            )
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
        onChange={(event) => ask('region', event.currentTarget.value || undefined)}
      />
      <Autocomplete
        label="Platform"
        description="As what the image is to run; empty is anything that it is for."
        data={[
          ...new Set(providers.flatMap(({ platforms, emulatedPlatforms }) => [...platforms, ...emulatedPlatforms])),
        ].sort()}
        value={draft.platform ?? ''}
        error={errorAt(problems, 'platform')}
        onChange={(value) => set('platform', value || undefined)}
      />
      <Select
        label="Isolation"
        description="These walls around it and no others; empty is the provider’s own choice."
        clearable
        data={ISOLATIONS.map((isolation) => ({ value: isolation, label: ISOLATION_WORDS[isolation] }))}
        value={draft.isolation ?? null}
        error={errorAt(problems, 'isolation')}
        onChange={(value) => set('isolation', (value ?? undefined) as Isolation | undefined)}
      />
      <NumberInput
        label="Least speed of a core"
        description="Primes up to 10,000 found, times a second; empty is any."
        value={draft.constraints?.minCpuScore ?? ''}
        min={1}
        allowDecimal={false}
        error={errorAt(problems, 'constraints.minCpuScore')}
        onChange={(value) => ask('minCpuScore', typeof value === 'number' ? value : undefined)}
      />
    </div>
  )
}
