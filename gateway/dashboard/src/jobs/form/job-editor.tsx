import { Stack } from '@mantine/core'
import type { ReactNode } from 'react'
import type { FieldProblem } from '../../../../client/errors.ts'
import { Estimate, useEstimate } from './estimate.tsx'
import { JobForm } from './job-form.tsx'
import { JsonEditor } from './json-editor.tsx'
import type { DraftEditor } from './use-draft.ts'

interface JobEditorProps {
  editor: DraftEditor
  /** What the gateway said of the last submission. */
  problems: FieldProblem[]
  /** Above the fields. */
  before?: ReactNode
  /** Below them: what is done with the job. */
  after: ReactNode
}

/** A job's fields and, beside them, who would take it and the same as JSON. */
export function JobEditor({ editor, problems, before, after }: JobEditorProps) {
  const { query, fields } = useEstimate(editor.draft)
  return (
    <div className="job-editor">
      <div>
        <Stack gap="md">
          {before}
          <JobForm editor={editor} problems={fields.length > 0 ? fields : problems} />
        </Stack>
        <div className="form-actions">{after}</div>
      </div>
      <div className="job-editor-side">
        <Estimate query={query} draft={editor.draft} />
        <JsonEditor editor={editor} />
      </div>
    </div>
  )
}
