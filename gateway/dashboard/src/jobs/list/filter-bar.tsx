import { Button, Group, MultiSelect, Select, TextInput } from '@mantine/core'
import { useDebouncedCallback } from '@mantine/hooks'
import { useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import type { JobStatus } from '../../../../client/index.ts'
import { JOB_STATUSES } from '../../../../contract/job-status.ts'
import { shownName } from '../../../../contract/names.ts'
import { Icon } from '../../ui/icons.tsx'
import { providersQuery } from '../queries.ts'
import type { JobFilter } from './filter.ts'

/** What the table is narrowed down to. */
export function FilterBar({ filter, onChange }: { filter: JobFilter; onChange(filter: JobFilter): void }) {
  const { data: providers = [] } = useQuery(providersQuery)
  const [text, setText] = useState(filter.q ?? '')
  const search = useDebouncedCallback((q: string) => onChange({ ...filter, q: q.trim() || undefined }), 300)

  // The address may have changed by itself, as with the browser's way back.
  useEffect(() => setText(filter.q ?? ''), [filter.q])

  const extras = [filter.batch, filter.label].filter((value) => value !== undefined)
  return (
    <Group gap="xs" className="filter-bar">
      <TextInput
        aria-label="Search jobs"
        placeholder="Search image, id, command or label"
        leftSection={<Icon name="search" size={16} />}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value)
          search(event.currentTarget.value)
        }}
        className="filter-search"
      />
      <MultiSelect
        aria-label="Status"
        placeholder={filter.status === undefined ? 'Any status' : ''}
        data={JOB_STATUSES.map((value) => ({ value, label: value.charAt(0).toUpperCase() + value.slice(1) }))}
        value={filter.status ?? []}
        onChange={(status) => onChange({ ...filter, status: status.length > 0 ? (status as JobStatus[]) : undefined })}
        clearable
        clearButtonProps={{ 'aria-label': 'Clear status' }}
        className="filter-status"
      />
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
      {extras.length > 0 && (
        <Button
          variant="default"
          rightSection={<Icon name="close" size={14} />}
          onClick={() => onChange({ ...filter, batch: undefined, label: undefined })}
        >
          {filter.batch !== undefined ? `Batch …${filter.batch.slice(-6)}` : filter.label}
        </Button>
      )}
    </Group>
  )
}
