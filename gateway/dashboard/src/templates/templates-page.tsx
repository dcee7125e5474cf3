import { Button, Group, Table, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import type { Template } from '../../../client/index.ts'
import { client } from '../app/client.ts'
import { queryClient } from '../app/query.ts'
import { useMay } from '../app/session.ts'
import { Card } from '../ui/card.tsx'
import { Confirm } from '../ui/confirm.tsx'
import { Empty } from '../ui/empty.tsx'
import { Loaded } from '../ui/loaded.tsx'
import { told } from '../ui/notify.ts'
import { Page } from '../ui/page.tsx'
import { PlainTable } from '../ui/plain-table.tsx'
import { Ago } from '../ui/time.tsx'
import { templatesQuery } from './queries.ts'

/** Job configurations that were kept. */
export function TemplatesPage() {
  const query = useQuery(templatesQuery)
  const mayWrite = useMay('templates:write')
  const create = mayWrite && (
    <Button component={Link} to="/jobs/templates/create">
      Create Template
    </Button>
  )
  return (
    <Page title="Templates" description="Configurations to make jobs of." actions={create}>
      <Loaded query={query}>
        {(templates) =>
          templates.length === 0 ? (
            <Empty icon="templates" title="No templates yet" action={create}>
              A template keeps what a job is made of under a name. Make one here, or of a job that worked: Save as
              Template in its actions.
            </Empty>
          ) : (
            <TemplatesTable templates={templates} mayWrite={mayWrite} />
          )
        }
      </Loaded>
    </Page>
  )
}

function TemplatesTable({ templates, mayWrite }: { templates: Template[]; mayWrite: boolean }) {
  const [leaving, setLeaving] = useState<Template | null>(null)
  const mayRun = useMay('jobs:write')
  return (
    <Card>
      <PlainTable label="Templates" heads={['Name', 'Image', 'Changed', { label: 'Actions', isHidden: true }]}>
        {templates.map((template) => (
          <Table.Tr key={template.id}>
            <Table.Td>
              <Link to="/jobs/templates/$templateId" params={{ templateId: template.id }} className="text-link">
                {template.name}
              </Link>
              {template.description !== '' && (
                <Text size="xs" c="dimmed" lineClamp={1}>
                  {template.description}
                </Text>
              )}
            </Table.Td>
            <Table.Td className="mono">{String(template.config.image ?? '')}</Table.Td>
            <Table.Td>
              <Ago at={template.updatedAt} />
            </Table.Td>
            <Table.Td>
              <Group gap="xs" justify="flex-end" wrap="nowrap">
                {mayRun && (
                  <Button
                    size="xs"
                    renderRoot={(props) => <Link to="/jobs/create" search={{ template: template.id }} {...props} />}
                  >
                    Create Job from Template
                  </Button>
                )}
                {mayWrite && (
                  <Button
                    size="xs"
                    variant="default"
                    onClick={() => setLeaving(template)}
                    aria-label={`Delete ${template.name}`}
                  >
                    Delete
                  </Button>
                )}
              </Group>
            </Table.Td>
          </Table.Tr>
        ))}
      </PlainTable>
      <Confirm
        isOpen={leaving !== null}
        title="Delete template"
        confirm="Delete"
        isDangerous
        onClose={() => setLeaving(null)}
        onConfirm={async () => {
          if (leaving === null) return
          await client.templates.delete(leaving.id)
          await queryClient.invalidateQueries({ queryKey: ['templates'] })
          told('Template deleted')
        }}
      >
        <Text size="sm">
          <strong>{leaving?.name}</strong> is deleted. Jobs that were made of it stay; schedules that use it fail.
        </Text>
      </Confirm>
    </Card>
  )
}
