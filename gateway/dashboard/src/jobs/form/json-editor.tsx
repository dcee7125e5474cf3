import { Textarea } from '@mantine/core'
import { Card } from '../../ui/card.tsx'
import { Copy } from '../../ui/copy.tsx'
import type { DraftEditor } from './use-draft.ts'

/** The same job as JSON. */
export function JsonEditor({ editor: { text, textProblem, setText } }: { editor: DraftEditor }) {
  return (
    <Card title="JSON" actions={<Copy text={text} what="JSON" />}>
      <Textarea
        aria-label="The job as JSON"
        value={text}
        error={textProblem}
        onChange={(event) => setText(event.currentTarget.value)}
        autosize
        minRows={6}
        maxRows={24}
        spellCheck={false}
        classNames={{ input: 'mono' }}
      />
    </Card>
  )
}
