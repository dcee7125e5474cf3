import { Button, Checkbox, Group, Popover, Select, Stack, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useEffect, useState } from 'react'
import type { JobStatus } from '../../../../client/index.ts'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import { shownName } from '../../../../contract/names.ts'
import { Icon } from '../../ui/icons.tsx'
import { useProviders } from '../queries.ts'
import { dayMs, FIRST_SORT, isFolded, type JobFilter, type JobSorting, SORT_WORDS } from './filter.ts'
import { Views } from './views.tsx'

interface FilterBarProps {
  filter: JobFilter
  onChange(filter: JobFilter): void
}

/** What the table is narrowed down to, and its order. */
export function FilterBar({ filter, onChange }: FilterBarProps) {
  const { data: providers = [] } = useProviders()
  const [text, setText] = useState(filter.q ?? '')
  /** Of those that a narrow screen has no room for. */
  const [isOpen, setOpen] = useState(false)
  const search = useDebouncedCallback((q: string) => onChange({ ...filter, q: q.trim() || undefined }), 300)

  // The address may have changed by itself, as with the browser's way back.
  useEffect(() => setText(filter.q ?? ''), [filter.q])

  return (
    <Group gap="xs" className="filter-bar">
      <Views filter={filter} />
      <TextInput
        aria-label="Search jobs"
        placeholder="Search name, image, id, command or label"
        leftSection={<Icon name="search" size={16} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          search(event.currentTarget.value)
        }}
        className="filter-search"
        data-search
      />
      <Button hiddenFrom="sm" variant="default" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        Filters
      </Button>
      <div className="filter-more" data-open={isOpen || undefined}>
        <Statuses filter={filter} onChange={onChange} />
        <Select
          aria-label="Provider"
          placeholder="Any provider"
          data={providers.map(({ id, name }) => ({ value: id, label: shownName(name, id) }))}
          value={filter.provider ?? null}
          onChange={(provider) => onChange({ ...filter, provider: provider ?? undefined })}
          clearable
          searchable
          clearButtonProps={{ 'aria-label': 'Clear provider' }}
          className="filter-provider"
        />
        <Select
          aria-label="Order"
          data={Object.entries(SORT_WORDS).flatMap(([field, word]) => [
            { value: `${field}:desc`, label: `${word} ↓` },
            { value: `${field}:asc`, label: `${word} ↑` },
          ])}
          value={filter.sort ?? FIRST_SORT}
          allowDeselect={false}
          searchable
          onChange={(sort) => onChange({ ...filter, sort: sort === FIRST_SORT ? undefined : (sort as JobSorting) })}
          className="filter-sort"
        />
        <Days filter={filter} onChange={onChange} />
        <Checkbox
          size="sm"
          label="Fold batches"
          checked={isFolded(filter)}
          disabled={filter.batch !== undefined}
          onChange={(event) => onChange({ ...filter, fold: event.currentTarget.checked ? undefined : false })}
        />
      </div>
      <Chips filter={filter} onChange={onChange} />
    </Group>
  )
}

/** In which statuses they are: any of those that are ticked, or any at all. */
function Statuses({ filter, onChange }: FilterBarProps) {
  const { status = [] } = filter
  return (
    <Popover position="bottom-start" trapFocus withinPortal>
      <Popover.Target>
        <Button variant="default" rightSection={<Icon name="down" size={14} />} className="filter-status">
          {status.length === 0 ? 'Any status' : status.map(nameOf).join(', ')}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Status">
        <Stack gap="sm">
          {JOB_STATUSES.map((one) => (
            <Checkbox
              key={one}
              label={nameOf(one)}
              checked={status.includes(one)}
              onChange={({ currentTarget: { checked } }) => {
                const next = JOB_STATUSES.filter((other) => (other === one ? checked : status.includes(other)))
                onChange({ ...filter, status: next.length > 0 ? next : undefined })
              }}
            />
          ))}
          {status.length > 0 && (
            <Button variant="default" onClick={() => onChange({ ...filter, status: undefined })}>
              Any status
            </Button>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

function nameOf(status: JobStatus): string {
  return status.charAt(0).toUpperCase() + status.slice(1)
}

/** The days on which jobs were created. */
function Days({ filter, onChange }: FilterBarProps) {
  const { from, to } = filter
  const word = (day: string) =>
    new Date(dayMs(day) ?? 0).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
  const days =
    from !== undefined && to !== undefined
      ? from === to
        ? word(from)
        : `${word(from)} – ${word(to)}`
      : from !== undefined
        ? `Since ${word(from)}`
        : to !== undefined
          ? `Until ${word(to)}`
          : 'Any day'
  return (
    <Popover position="bottom-start" trapFocus withinPortal>
      <Popover.Target>
        <Button variant="default" rightSection={<Icon name="down" size={14} />}>
          {days}
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="When they were created">
        <Stack gap="sm">
          <TextInput
            type="date"
            label="Created from"
            value={from ?? ''}
            {...(to !== undefined && { max: to })}
            onChange={(event) => onChange({ ...filter, from: event.currentTarget.value || undefined })}
          />
          <TextInput
            type="date"
            label="Created until"
            value={to ?? ''}
            {...(from !== undefined && { min: from })}
            onChange={(event) => onChange({ ...filter, to: event.currentTarget.value || undefined })}
          />
          {(from !== undefined || to !== undefined) && (
            <Button variant="default" onClick={() => onChange({ ...filter, from: undefined, to: undefined })}>
              Any day
            </Button>
          )}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  )
}

/** What else it is narrowed down to, each to be taken away by a click. */
function Chips({ filter, onChange }: FilterBarProps) {
  const { batch, owner, label = [] } = filter
  const chips: { text: string; without: Partial<JobFilter> }[] = []
  if (batch !== undefined) chips.push({ text: `Batch …${batch.slice(-6)}`, without: { batch: undefined } })
  if (owner !== undefined) chips.push({ text: `Of ${owner}`, without: { owner: undefined } })
  for (const text of label) {
    const rest = label.filter((other) => other !== text)
    chips.push({ text, without: { label: rest.length > 0 ? rest : undefined } })
  }
  return chips.map(({ text, without }) => (
    <Button
      key={text}
      size="compact-sm"
      variant="light"
      color="gray"
      rightSection={<Icon name="close" size={12} />}
      onClick={() => onChange({ ...filter, ...without })}
      aria-label={`No longer only: ${text}`}
      className="filter-chip"
    >
      {text}
    </Button>
  ))
}
