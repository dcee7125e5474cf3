import { Button } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { type FieldProblem, ValidationError } from '../../../../client/errors.ts'
import type { Job, JobOverrides, JobSubmission, Template } from '../../../../client/index.ts'
import { SANDBOX_SECONDS, sandboxFields } from '../../../../client/waiting.ts'
import { JOB_DEFAULTS } from '../../../../contract/job-defaults.ts'
import { client } from '../../app/client.ts'
import { templateQuery } from '../../templates/queries.ts'
import { useFocusWrong } from '../../ui/focus-wrong.ts'
import { forget, useKept } from '../../ui/kept.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { told } from '../../ui/notify.ts'
import { Page } from '../../ui/page.tsx'
import { Problem } from '../../ui/problem.tsx'
import { jobQuery } from '../queries.ts'
import { changesTo, type Draft, type Hidden, NOTHING_HIDDEN, submissionOf } from '../submission.ts'
import { HiddenFields, type HiddenOf } from './hidden-fields.tsx'
import { JobEditor } from './job-editor.tsx'
import { againForm, useDraft } from './use-draft.ts'

const NO_PROBLEMS: FieldProblem[] = []
const NO_SECRETS: string[] = []
const { cpu, memory, storage, duration } = JOB_DEFAULTS
const FIRST: Draft = { image: '', cpu, memory, storage, duration }

/** What a new job takes up, by id or digest, and whether it is to wait for commands, whatever that says. */
interface Taken {
  volume?: string | undefined
  upload?: string | undefined
  machine?: string | undefined
}

function firstWith({ volume, upload, machine }: Taken): Draft {
  return {
    ...FIRST,
    ...(machine !== undefined && { ...sandboxFields(), duration: SANDBOX_SECONDS }),
    ...(volume !== undefined && { volumes: [{ volume, mountPath: '/data' }] }),
    ...(upload !== undefined && { inputs: [{ path: '/in', from: { upload } }] }),
  }
}

/** What a new job is made of that is there already, whose secrets go along unseen. */
interface Base {
  /** Under which name the draft is kept. */
  form: string
  title: string
  description: string
  /** What it is called in sentences. */
  what: HiddenOf
  config: Draft
  hidden: Hidden | null
  submit(changes: JobOverrides): Promise<Job>
}

/** A new job: from nothing, from a template, like an earlier one, with a volume that one left, with an upload, or one to work in. */
export function CreateJobPage() {
  const { template, job, ...taken } = useSearch({ from: '/signed-in/jobs/create' })
  if (template !== undefined) return <CreateFromTemplate key={template} id={template} />
  if (job !== undefined) return <CreateAgain key={job} id={job} />
  return <CreateJob key={nameOf(taken)} base={null} taken={taken} />
}

function CreateFromTemplate({ id }: { id: string }) {
  const query = useQuery(templateQuery(id))
  return <Loaded query={query}>{(template) => <CreateJob base={ofTemplate(template)} />}</Loaded>
}

/** An earlier job's form is made of what it was once: what becomes of it does not change what is typed. */
function CreateAgain({ id }: { id: string }) {
  const query = useQuery({ ...jobQuery(id), refetchInterval: false })
  return <Loaded query={query}>{(job) => <CreateJob base={ofJob(job)} />}</Loaded>
}

function ofTemplate({ id, name, config, hidden }: Template): Base {
  return {
    ...{ form: `job from ${id}`, title: 'Create Job from Template', description: `From ${name}`, what: 'template' },
    ...{ config: config as Draft, hidden },
    submit: async (changes) => await client.jobs.fromTemplate(id, changes),
  }
}

function ofJob(job: Job): Base {
  const { id, name, image, hidden = NOTHING_HIDDEN } = job
  const config = submissionOf(job)
  return {
    ...{ form: againForm(id), title: 'Edit and Run', description: `As ${name ?? image}, ${id}`, what: 'job' },
    ...{ config, hidden },
    // What it ran in the end, extensions included, may be more than was asked for at first.
    submit: async (changes) => {
      const { duration = null, maxDuration = null } = config
      return await client.jobs.resubmit(id, { duration, maxDuration, ...changes })
    },
  }
}

/** Under which its draft is kept apart from that of others. */
function nameOf({ volume, upload, machine }: Taken): string | undefined {
  return volume ?? upload ?? (machine === undefined ? undefined : 'a machine')
}

const BIDDING = 'The providers of the network bid for it, and the best offer gets it.'
const MACHINE =
  'It waits for commands, which you give in its terminal or by SSH, until its time is over or you cancel it. The image needs sh.'

function CreateJob({ base, taken = {} }: { base: Base | null; taken?: Taken }) {
  const navigate = useNavigate()
  const what = nameOf(taken)
  const form = base !== null ? base.form : what === undefined ? 'job' : `job with ${what}`
  const editor = useDraft(form, base === null ? firstWith(taken) : base.config)
  const [leftOut, setLeftOut] = useKept(form, 'left out', NOTHING_HIDDEN)
  const submit = useMutation({
    mutationFn: async (): Promise<Job> => {
      // By way of what it is made of, so that secrets go along that nobody here knows.
      if (base !== null) return await base.submit(changesTo(base.config, editor.draft, leftOut))
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
      title={base?.title ?? (taken.machine === undefined ? 'Create Job' : 'A machine to work in')}
      description={base?.description ?? (taken.machine === undefined ? BIDDING : MACHINE)}
    >
      <JobEditor
        editor={editor}
        problems={problems}
        secrets={base?.hidden?.secrets.filter((name) => !leftOut.secrets.includes(name)) ?? NO_SECRETS}
        before={
          base !== null && (
            <HiddenFields
              of={base.what}
              editor={editor}
              hidden={base.hidden}
              leftOut={leftOut}
              onLeaveOut={setLeftOut}
            />
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
