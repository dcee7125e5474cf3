import { Autocomplete, Checkbox, Select, Stack, Text, TextInput } from '@mantine/core'
import type { FieldProblem } from '../../../client/errors.ts'
import type { Schedule } from '../../../client/index.ts'
import { offsetOf } from '../../../contract/time-zones.ts'
import { errorAt } from '../jobs/form/field-errors.ts'
import { readCron, zoneOf } from './cron.ts'
import { Tick } from './tick.tsx'

/** What of a schedule says when it runs, and what it is called. */
export type Rhythm = Pick<Schedule, 'name' | 'schedule' | 'timezone' | 'concurrencyPolicy' | 'catchUp'>

const ZONES = [...new Set(['UTC', ...Intl.supportedValuesOf('timeZone')])]

interface RhythmFieldsProps {
  rhythm: Rhythm
  onChange(rhythm: Rhythm): void
  problems: FieldProblem[]
}

/** When a schedule runs; what its cron expression means shows as one types. */
export function RhythmFields({ rhythm, onChange, problems }: RhythmFieldsProps) {
  const meant = zoneOf(rhythm.timezone)
  const zone = 'zone' in meant ? meant.zone : 'UTC'
  const reading = readCron(rhythm.schedule, zone)
  return (
    <div className="form-grid">
      <TextInput
        label="Name"
        required
        maxLength={128}
        value={rhythm.name}
        error={errorAt(problems, 'name')}
        onChange={(event) => onChange({ ...rhythm, name: event.currentTarget.value })}
      />
      <Autocomplete
        label="Time zone"
        description={
          'zone' in meant
            ? `${zone}, now ${offsetOf(zone, Date.now())}`
            : 'A city, a country, UTC+2, PST, or an IANA name.'
        }
        required
        data={ZONES}
        limit={60}
        maxLength={64}
        value={rhythm.timezone}
        error={'problem' in meant ? meant.problem : errorAt(problems, 'timezone')}
        onChange={(timezone) => onChange({ ...rhythm, timezone })}
      />
      <Stack gap={6}>
        <TextInput
          label="Schedule"
          description="Cron: minute hour day month weekday; six fields begin with seconds."
          required
          classNames={{ input: 'mono' }}
          value={rhythm.schedule}
          error={'problem' in reading ? reading.problem : errorAt(problems, 'schedule')}
          onChange={(event) => onChange({ ...rhythm, schedule: event.currentTarget.value })}
        />
        <div aria-live="polite">
          {'words' in reading && (
            <>
              <Text size="sm" fw={600} data-testid="cron-words">
                {reading.words}
              </Text>
              <ul className="plain-list small">
                {reading.nextMs.map((ms) => (
                  <li key={ms}>
                    <Tick at={ms} timezone={zone} />
                  </li>
                ))}
              </ul>
            </>
          )}
        </div>
      </Stack>
      <Stack gap="sm">
        <Select
          label="While a job of it runs"
          data={[
            { value: 'allow', label: 'Start another' },
            { value: 'forbid', label: 'Skip the tick' },
            { value: 'replace', label: 'Cancel it and start anew' },
          ]}
          allowDeselect={false}
          value={rhythm.concurrencyPolicy}
          onChange={(value) => onChange({ ...rhythm, concurrencyPolicy: value as Rhythm['concurrencyPolicy'] })}
        />
        <Checkbox
          label="Catch up"
          description="Ticks missed while the gateway was down run once."
          checked={rhythm.catchUp}
          onChange={(event) => onChange({ ...rhythm, catchUp: event.currentTarget.checked })}
        />
      </Stack>
    </div>
  )
}
