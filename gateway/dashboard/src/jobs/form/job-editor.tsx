import { Stack } from '@mantine/core'
import { type ReactNode, useRef } from 'react'
import type { FieldProblem } from '../../../../client/errors.ts'
import { Estimate, useEstimate } from './estimate.tsx'
import { JobForm } from './job-form.tsx'
import { JsonEditor } from './json-editor.tsx'
import type { DraftEditor } from './use-draft.ts'

interface JobEditorProps {
  editor: DraftEditor
  /** Names of secrets that go along unseen. @default none */
  secrets?: string[]
  /** What the gateway said of the last submission. */
  problems: FieldProblem[]
  /** Above the fields. */
  before?: ReactNode
  /** Below them: what is done with the job. */
  after: ReactNode
}

const NONE: string[] = []

/** A job's fields and, beside them, who would take it and the same as JSON. */
export function JobEditor({ editor, secrets = NONE, problems, before, after }: JobEditorProps) {
  const { query, fields, isBehind } = useEstimate(editor.draft, secrets)
  const answered = useRef({ to: editor.draft, said: '' })
  const said = JSON.stringify(problems)
  if (said !== answered.current.said) answered.current = { to: editor.draft, said }
  // What the estimate says may be of what was there before; an answer to just this draft is not.
  const isAnswer = problems.length > 0 && answered.current.to === editor.draft
  return (
    <div className="job-editor">
      <div>
        <Stack gap="md">
          {before}
          <JobForm editor={editor} problems={fields.length > 0 && !isAnswer ? fields : problems} />
        </Stack>
        <div className="form-actions">{after}</div>
      </div>
      <div className="job-editor-side">
        <Estimate query={query} isBehind={isBehind} editor={editor} />
        <JsonEditor editor={editor} />
      </div>
    </div>
  )
}
