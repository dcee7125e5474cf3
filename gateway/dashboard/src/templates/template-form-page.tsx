import { Button, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { useMutation, useQuery } from '@tanstack/react-query'
import { Link, useNavigate, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { ValidationError } from '../../../client/errors.ts'
import type { Template } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { errorAt } from '../jobs/form/field-errors.ts'
import { JobEditor } from '../jobs/form/job-editor.tsx'
import { useDraft } from '../jobs/form/use-draft.ts'
import type { Draft } from '../jobs/submission.ts'
import { Card } from '../ui/card.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { Problem } from '../ui/problem.tsx'
import { templateQuery } from './queries.ts'

export function CreateTemplatePage() {
  return <TemplateForm template={null} />
}

export function EditTemplatePage() {
  const { templateId } = useParams({ from: '/signed-in/jobs/templates/$templateId' })
  const query = useQuery(templateQuery(templateId))
  return <Loaded query={query}>{(template) => <TemplateForm key={template.id} template={template} />}</Loaded>
}

function TemplateForm({ template }: { template: Template | null }) {
  const navigate = useNavigate()
  const [name, setName] = useState(template?.name ?? '')
  const [description, setDescription] = useState(template?.description ?? '')
  const editor = useDraft((template?.config ?? { image: '', cpu: 1000, memory: '512Mi', duration: 3600 }) as Draft)
  const save = useMutation({
    mutationFn: async () => {
      const body = { name, description, config: editor.draft }
      return await (template === null ? client.templates.create(body) : client.templates.update(template.id, body))
    },
    async onSuccess() {
      await queryClient.invalidateQueries({ queryKey: ['templates'] })
      told('Template saved')
      await navigate({ to: '/jobs/templates' })
    },
  })
  const all = save.error instanceof ValidationError ? save.error.fields : []
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
  return `It keeps its secrets, which are not shown: ${all.join(', ')}. Secrets given here replace all of them, and "secrets": {} in the JSON takes them out.`
}
