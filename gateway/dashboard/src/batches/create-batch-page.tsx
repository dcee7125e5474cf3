import { DEFAULT_CONCURRENCY, MAX_BATCH_BODY_BYTES } from '../../../contract/batch-limits.ts'
import { JOB_DEFAULTS } from '../../../contract/job-defaults.ts'
import '@mantine/dropzone/styles.css'
import { Button, NumberInput, Stack, Text } from '@mantine/core'
import { Dropzone } from '@mantine/dropzone'
import { useMutation } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { counted } from '../format/amounts.ts'
import { JobForm } from '../jobs/form/job-form.tsx'
import { JsonEditor } from '../jobs/form/json-editor.tsx'
import { type DraftEditor, useDraft } from '../jobs/form/use-draft.ts'
import { Card } from '../ui/card.tsx'
import { Icon } from '../ui/icons.tsx'
import { forget, useKept } from '../ui/kept.ts'
import { failed, told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { CsvPreview } from './csv-preview.tsx'
import { type CsvFile, readCsv } from './read-csv.ts'
import { useCheck } from './use-check.ts'

/** How a column is named in the base. */
const PLACEHOLDER = `\${column}`

/** A job for each row of a file. */
export function CreateBatchPage() {
  const editor = useDraft('batch', { image: '', cpu: 500, memory: '256Mi', duration: JOB_DEFAULTS.duration })
  const [file, setFile] = useKept<CsvFile | null>('batch', 'file', null)
  const [concurrency, setConcurrency] = useKept<number | undefined>('batch', 'concurrency', DEFAULT_CONCURRENCY)
  const navigate = useNavigate()
  const batch = file === null ? null : { base: editor.draft, csv: file.text, concurrency }
  const check = useCheck(batch)
  const submit = useMutation({
    mutationFn: async () => batch && (await client.batches.submitCsv(batch)),
    async onSuccess(answer) {
      forget('batch')
      await queryClient.invalidateQueries({ queryKey: ['batches'] })
      told(`Submitted ${counted(answer?.jobIds.length ?? 0, 'job')}`)
      await navigate({ to: '/jobs/batches' })
    },
    onError: (error) => failed('The batch was not submitted', error),
  })

  async function take([first]: File[]): Promise<void> {
    if (first === undefined) return
    try {
      setFile(await readCsv(first))
    } catch (error) {
      failed(`${first.name} could not be read`, error)
    }
  }

  return (
    <Page title="Create Batch" description="What all jobs have in common, and a file with what differs.">
      <div className="job-editor">
        <div>
          <JobForm editor={editor} problems={check.baseProblems} />
        </div>
        <div className="job-editor-side">
          <Hint editor={editor} />
          <JsonEditor editor={editor} />
        </div>
      </div>
      <Card title="Rows">
        <Stack>
          <Dropzone
            onDrop={(files) => void take(files)}
            onReject={() =>
              failed('That file was not taken', new Error('It has to be one CSV file of at most 32 MiB.'))
            }
            accept={{ 'text/csv': ['.csv', '.tsv', '.txt'] }}
            maxSize={MAX_BATCH_BODY_BYTES}
            maxFiles={1}
            multiple={false}
            inputProps={{ 'aria-label': 'CSV file' }}
          >
            <Stack align="center" gap={4} py="md" className="no-pointer">
              <Icon name="file" size={28} />
              <Text fw={600}>{file === null ? 'Drop a CSV file here, or choose one' : file.name}</Text>
              <Text size="sm" c="dimmed">
                {file === null
                  ? `The first row names the columns: fields of a job, env.NAME, or names used in the base as ${PLACEHOLDER}`
                  : `${counted(file.rows.length, 'row')}, ${counted(file.columns.length, 'column')}. Drop another to replace it.`}
              </Text>
            </Stack>
          </Dropzone>
          {file !== null && <CsvPreview file={file} check={check} />}
          <NumberInput
            label="Concurrency"
            description="Jobs that run at a time; the others wait."
            value={concurrency ?? ''}
            min={1}
            max={10_000}
            maw={260}
            onChange={(value) => setConcurrency(typeof value === 'number' ? value : undefined)}
          />
        </Stack>
      </Card>
      <div className="form-actions">
        <Button size="md" onClick={() => submit.mutate()} loading={submit.isPending} disabled={check.state !== 'right'}>
          {check.state === 'right' ? `Submit ${counted(check.total, 'job')}` : 'Submit'}
        </Button>
        <Button size="md" variant="default" component={Link} to="/jobs/batches">
          Back
        </Button>
      </div>
    </Page>
  )
}

function Hint({ editor }: { editor: DraftEditor }) {
  return (
    <Card title="How rows become jobs">
      <Text size="sm" component="div">
        A column named like a field, as <code className="mono">cpu</code>, sets it.{' '}
        <code className="mono">env.NAME</code> sets a variable. Any other is put where the base says{' '}
        <code className="mono">{PLACEHOLDER}</code>, for example in the arguments
        {editor.draft.args === undefined ? '' : ' above'}. All rows are checked first: one bad row, and nothing is
        submitted.
      </Text>
    </Card>
  )
}
