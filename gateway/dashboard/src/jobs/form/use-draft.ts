import { useState } from 'react'
import type { Draft } from '../submission.ts'

/** A job under construction, as fields and as JSON; what is changed in one shows in the other. */
export interface DraftEditor {
  draft: Draft
  text: string
  /** Why the text is no job; null while it is one. The fields then show the last that was. */
  textProblem: string | null
  /** Undefined takes the field out: then its default counts. */
  set<N extends keyof Draft>(name: N, value: Draft[N] | undefined): void
  setText(text: string): void
}

export function useDraft(initial: Draft): DraftEditor {
  const [state, setState] = useState({ draft: initial, text: textOf(initial), textProblem: null as string | null })
  return {
    ...state,
    set(name, value) {
      setState(({ draft: before }) => {
        const draft = { ...before, [name]: value }
        if (isNothing(value)) delete draft[name]
        return { draft, text: textOf(draft), textProblem: null }
      })
    },
    setText(text) {
      setState(({ draft }) => {
        const read = readJob(text)
        return typeof read === 'string' ? { draft, text, textProblem: read } : { draft: read, text, textProblem: null }
      })
    },
  }
}

function textOf(draft: Draft): string {
  return JSON.stringify(draft, null, 2)
}

/** The job of a text, or what is wrong with it. */
function readJob(text: string): Draft | string {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Draft
    return 'A job is an object in braces.'
  } catch (error) {
    return `This is not JSON yet: ${error instanceof Error ? error.message : 'check quotes and commas'}`
  }
}

function isNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  )
}
