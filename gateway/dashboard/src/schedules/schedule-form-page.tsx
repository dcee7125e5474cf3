import { Button, SegmentedControl, Select, Stack, Text } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { type FieldProblem, ValidationError } from '../../../client/errors.ts'
import type { Schedule } from '../../../client/index.ts'
import { JOB_DEFAULTS } from '../../../contract/job-defaults.ts'
import { CONCURRENCY_POLICIES } from '../../../contract/schedule-words.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { JobEditor } from '../jobs/form/job-editor.tsx'
import { useDraft } from '../jobs/form/use-draft.ts'
import type { Draft } from '../jobs/submission.ts'
import { templatesQuery } from '../templates/queries.ts'
import { Card } from '../ui/card.tsx'
import { useFocusWrong } from '../ui/focus-wrong.ts'
import { forget, useKept } from '../ui/kept.ts'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { readCron, zoneOf } from './cron.ts'
import { scheduleQuery } from './queries.ts'
import { type Rhythm, RhythmFields } from './rhythm-fields.tsx'

/** An empty form, or what was typed into it before. */
export function CreateSchedulePage() {
  return <ScheduleForm schedule={null} />
}

/** The form with the schedule of the page's address. */
export function EditSchedulePage() {
  const { scheduleId } = useParams({ from: '/signed-in/jobs/schedules/$scheduleId/edit' })
  const query = useQuery(scheduleQuery(scheduleId))
  return <Loaded query={query}>{(schedule) => <ScheduleForm key={schedule.id} schedule={schedule} />}</Loaded>
}

const NO_PROBLEMS: FieldProblem[] = []

function ScheduleForm({ schedule }: { schedule: Schedule | null }) {
  const navigate = useNavigate()
  const form = schedule === null ? 'schedule' : `schedule ${schedule.id}`
  const [rhythm, setRhythm] = useKept<Rhythm>(form, 'rhythm', {
    name: schedule?.name ?? '',
    schedule: schedule?.schedule ?? '0 3 * * *',
    timezone: schedule?.timezone ?? Intl.DateTimeFormat().resolvedOptions().timeZone,
    concurrencyPolicy: schedule?.concurrencyPolicy ?? CONCURRENCY_POLICIES[0],
    catchUp: schedule?.catchUp ?? false,
  })
  const [source, setSource] = useKept<'job' | 'template'>(
    form,
    'source',
    schedule !== null && schedule.templateId !== null ? 'template' : 'job',
  )
  const [templateId, setTemplateId] = useKept<string | null>(form, 'template', schedule?.templateId ?? null)
  const editor = useDraft(
    form,
    (schedule?.config ?? { image: '', cpu: 500, memory: '256Mi', duration: JOB_DEFAULTS.duration }) as Draft,
  )
  const save = useMutation({
    mutationFn: async () => {
      const what = source === 'template' ? { templateId: templateId ?? '' } : { config: editor.draft }
      const body = { ...rhythm, ...what }
      return await (schedule === null ? client.schedules.create(body) : client.schedules.update(schedule.id, body))
    },
    async onSuccess({ id }) {
      forget(form)
      await queryClient.invalidateQueries({ queryKey: ['schedules'] })
      told('Schedule saved')
      await navigate({ to: '/jobs/schedules/$scheduleId', params: { scheduleId: id } })
    },
  })
  const all = save.error instanceof ValidationError ? save.error.fields : NO_PROBLEMS
  useFocusWrong(all)
  const own = ['name', 'schedule', 'timezone', 'templateId', 'concurrencyPolicy']
  const problems = all
    .filter(({ path }) => !own.includes(path))
    .map(({ path, message }) => ({ path: path.replace(/^config\.?/, ''), message }))
  const zone = zoneOf(rhythm.timezone)
  const isReady =
    rhythm.name.trim() !== '' &&
    'zone' in zone &&
    'words' in readCron(rhythm.schedule, zone.zone) &&
    (source === 'job' ? editor.textProblem === null : templateId !== null)

  const before = (
    <Stack mb="md">
      <Card title="When">
        <RhythmFields rhythm={rhythm} onChange={setRhythm} problems={all} />
      </Card>
      <Card title="What">
        <Stack gap="sm" align="flex-start">
          <SegmentedControl
            aria-label="What it runs"
            data={[
              { value: 'job', label: 'A job given here' },
              { value: 'template', label: 'A template' },
            ]}
            value={source}
            onChange={(value) => setSource(value as 'job' | 'template')}
          />
          {source === 'template' && <TemplateChoice value={templateId} onChange={setTemplateId} />}
        </Stack>
      </Card>
    </Stack>
  )
  const after = (
    <>
      {save.isError && all.length === 0 && <Problem error={save.error} />}
      <Button size="md" onClick={() => save.mutate()} loading={save.isPending} disabled={!isReady}>
        Save Schedule
      </Button>
      <Button size="md" variant="default" component={Link} to="/jobs/schedules">
        Back
      </Button>
    </>
  )
  return (
    <Page title={schedule === null ? 'Create Schedule' : `Schedule ${schedule.name}`}>
      {source === 'job' ? (
        <JobEditor editor={editor} problems={problems} before={before} after={after} />
      ) : (
        <div>
          {before}
          <div className="form-actions">{after}</div>
        </div>
      )}
    </Page>
  )
}

function TemplateChoice({ value, onChange }: { value: string | null; onChange(id: string | null): void }) {
  const { data: templates = [], isSuccess } = useQuery(templatesQuery)
  if (isSuccess && templates.length === 0) {
    return (
      <Text size="sm">
        There is no template yet.{' '}
        <Link to="/jobs/templates/create" className="text-link">
          Create Template
        </Link>
      </Text>
    )
  }
  return (
    <Select
      label="Template"
      data={templates.map(({ id, name }) => ({ value: id, label: name }))}
      value={value}
      onChange={onChange}
      searchable
      w={320}
    />
  )
}
