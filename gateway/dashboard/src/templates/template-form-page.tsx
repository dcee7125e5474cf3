import { Button, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { type FieldProblem, ValidationError } from '../../../client/errors.ts'
import type { Template } from '../../../client/index.ts'
import { JOB_DEFAULTS } from '../../../contract/job-defaults.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { errorAt } from '../jobs/form/field-errors.ts'
import { JobEditor } from '../jobs/form/job-editor.tsx'
import { useDraft } from '../jobs/form/use-draft.ts'
import type { Draft } from '../jobs/submission.ts'
import { Card } from '../ui/card.tsx'
import { useFocusWrong } from '../ui/focus-wrong.ts'
import { forget, useKept } from '../ui/kept.ts'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { templateQuery } from './queries.ts'

const { cpu, memory, duration } = JOB_DEFAULTS

/** An empty form, or what was typed into it before. */
export function CreateTemplatePage() {
  return <TemplateForm template={null} />
}

/** The form with the template of the page's address. */
export function EditTemplatePage() {
  const { templateId } = useParams({ from: '/signed-in/jobs/templates/$templateId' })
  const query = useQuery(templateQuery(templateId))
  const mayWrite = useMay('templates:write')
  return (
    <Loaded query={query}>
      {(template) =>
        mayWrite ? <TemplateForm key={template.id} template={template} /> : <ShownTemplate template={template} />
      }
    </Loaded>
  )
}

/** For keys that may change none. */
function ShownTemplate({ template: { name, description, config } }: { template: Template }) {
  return (
    <Page title={`Template ${name}`} description={description}>
      <Card title="Configuration">
        <pre className="code">{JSON.stringify(config, null, 2)}</pre>
      </Card>
    </Page>
  )
}

const NO_PROBLEMS: FieldProblem[] = []

function TemplateForm({ template }: { template: Template | null }) {
  const navigate = useNavigate()
  const form = template === null ? 'template' : `template ${template.id}`
  const [name, setName] = useKept(form, 'name', template?.name ?? '')
  const [description, setDescription] = useKept(form, 'description', template?.description ?? '')
  const editor = useDraft(form, (template?.config ?? { image: '', cpu, memory, duration }) as Draft)
  const save = useMutation({
    mutationFn: async () => {
      const body = { name, description, config: editor.draft }
      return await (template === null ? client.templates.create(body) : client.templates.update(template.id, body))
    },
    async onSuccess() {
      forget(form)
      await queryClient.invalidateQueries({ queryKey: ['templates'] })
      told('Template saved')
      await navigate({ to: '/jobs/templates' })
    },
  })
  const all = save.error instanceof ValidationError ? save.error.fields : NO_PROBLEMS
  useFocusWrong(all)
  const problems = all
    .filter(({ path }) => !['name', 'description'].includes(path))
    .map(({ path, message }) => ({ path: path.replace(/^config\.?/, ''), message }))
  return (
    <Page title={template === null ? 'Create Template' : `Template ${template.name}`}>
      <JobEditor
        editor={editor}
        problems={problems}
        before={
          <Card title="Template">
            <Stack gap="sm">
              <TextInput
                label="Name"
                required
                value={name}
                maxLength={128}
                error={errorAt(all, 'name')}
                onChange={(event) => setName(event.currentTarget.value)}
              />
              <Textarea
                label="Description"
                value={description}
                maxLength={2000}
                autosize
                minRows={2}
                error={errorAt(all, 'description')}
                onChange={(event) => setDescription(event.currentTarget.value)}
              />
              {template !== null && (
                <Text size="sm" c="dimmed">
                  {secretsOf(template)}
                </Text>
              )}
            </Stack>
          </Card>
        }
        after={
          <>
            {save.isError && all.length === 0 && <Problem error={save.error} />}
            <Button
              size="md"
              onClick={() => save.mutate()}
              loading={save.isPending}
              disabled={name.trim() === '' || editor.textProblem !== null}
            >
              Save Template
            </Button>
            <Button size="md" variant="default" component={Link} to="/jobs/templates">
              Back
            </Button>
          </>
        }
      />
    </Page>
  )
}

/** What saving does to what the template has and does not show. */
function secretsOf({ hidden }: Template): string {
  if (hidden === null) return 'Its secrets were encrypted with another master key: give them anew.'
  const { secrets, registryCredentials } = hidden
  if (secrets.length === 0 && !registryCredentials) return 'It has no secrets.'
  const all = [...secrets, ...(registryCredentials ? ['registry credentials'] : [])]
  return `Its secrets are not shown: ${all.join(', ')}. It keeps them where only sizes, times, prices or labels change; with any other change, as of the image or the command, they are to be given anew. Secrets given here replace all of them, and "secrets": {} in the JSON takes them out.`
}
