import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { type FieldProblem, ValidationError } from '../../../../client/errors.ts'
import type { Job, JobSubmission, Template } from '../../../../client/index.ts'
import { JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { client } from '../../app/client.ts'
import { templateQuery } from '../../templates/queries.ts'
import { useFocusWrong } from '../../ui/focus-wrong.ts'
import { forget } from '../../ui/kept.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { told } from '../../ui/notify.ts'
import { Page } from '../../ui/page.tsx'
import { Problem } from '../../ui/problem.tsx'
import { changesTo, type Draft, NOTHING_HIDDEN } from '../submission.ts'
import { HiddenFields } from './hidden-fields.tsx'
import { JobEditor } from './job-editor.tsx'
import { useDraft } from './use-draft.ts'

const NO_PROBLEMS: FieldProblem[] = []
const { cpu, memory, storage, duration } = JOB_DEFAULTS
const FIRST: Draft = { image: '', cpu, memory, storage, duration }

function firstWith(volume: string | undefined): Draft {
  return volume === undefined ? FIRST : { ...FIRST, volumes: [{ volume, mountPath: '/data' }] }
}

/** A new job, from nothing, from a template, or with a volume that an earlier one left. */
export function CreateJobPage() {
  const { template: id, volume } = useSearch({ from: '/signed-in/jobs/create' })
  if (id !== undefined) return <CreateFromTemplate key={id} id={id} />
  return <CreateJob key={volume} template={null} volume={volume} />
}

function CreateFromTemplate({ id }: { id: string }) {
  const query = useQuery(templateQuery(id))
  return <Loaded query={query}>{(template) => <CreateJob template={template} />}</Loaded>
}

/** @param props.volume id of a volume that it takes up */
function CreateJob({ template, volume }: { template: Template | null; volume?: string | undefined }) {
  const navigate = useNavigate()
  const form = template !== null ? `job from ${template.id}` : volume === undefined ? 'job' : `job with ${volume}`
  const editor = useDraft(form, template === null ? firstWith(volume) : (template.config as Draft))
  const [leftOut, setLeftOut] = useState(NOTHING_HIDDEN)
  const submit = useMutation({
    mutationFn: async (): Promise<Job> => {
      // By way of the template, so that secrets go along that nobody here knows.
      if (template !== null)
        return await client.jobs.fromTemplate(template.id, changesTo(template.config, editor.draft, leftOut))
      return await client.jobs.submit(editor.draft as JobSubmission)
    },
    async onSuccess({ id }) {
      forget(form)
      told('Submitted')
      await navigate({ to: '/jobs/$jobId', params: { jobId: id } })
    },
  })
  const problems: FieldProblem[] = submit.error instanceof ValidationError ? submit.error.fields : NO_PROBLEMS
  useFocusWrong(problems)
  return (
    <Page
      title={template === null ? 'Create Job' : 'Create Job from Template'}
      description={
        template === null
          ? 'The providers of the network bid for it, and the best offer gets it.'
          : `From ${template.name}`
      }
    >
      <JobEditor
        editor={editor}
        problems={problems}
        before={
          template !== null && (
            <HiddenFields editor={editor} hidden={template.hidden} leftOut={leftOut} onLeaveOut={setLeftOut} />
          )
        }
        after={
          <>
            {submit.isError && problems.length === 0 && <Problem error={submit.error} />}
            {problems.length > 0 && (
              <p className="bad-text" role="alert">
                {problems.length === 1 ? 'One field is' : `${problems.length} fields are`} not right: see above.
              </p>
            )}
            <Button
              size="md"
              onClick={() => submit.mutate()}
              loading={submit.isPending}
              disabled={editor.textProblem !== null}
            >
              Submit
            </Button>
            <Button size="md" variant="default" component={Link} to="/jobs">
              Back
            </Button>
          </>
        }
      />
    </Page>
  )
}
