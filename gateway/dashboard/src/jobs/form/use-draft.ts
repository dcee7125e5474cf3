import { useState } from 'react'
import { forget, hasKept, keepValue, useKept } from '../../ui/kept.ts'
import type { Draft } from '../submission.ts'
import { readJob } from './read-job.ts'

/** A job under construction, as fields and as JSON; what is changed in one shows in the other. */
export interface DraftEditor {
  draft: Draft
  text: string
  /** Why the text is no job; null while it is one. The fields then show the last that was. */
  textProblem: string | null
  /** Undefined takes the field out: then its default counts. */
  set<N extends keyof Draft>(name: N, value: Draft[N] | undefined): void
  setText(text: string): void
  /** Takes another job as a whole. */
  replace(draft: Draft): void
  /** Whether it was begun before, and kept. */
  wasKept: boolean
  /** Takes what the form began with. */
  startOver(): void
}

interface State {
  draft: Draft
  text: string
  textProblem: string | null
}

/** @param form under which name it is kept until it is submitted; see {@link useKept} */
export function useDraft(form: string, initial: Draft): DraftEditor {
  const [wasKept] = useState(() => hasKept(form))
  const [state, setState] = useKept<State>(form, 'job', stateOf(initial), toStore)
  return {
    ...state,
    wasKept: wasKept && state.text !== textOf(initial),
    set(name, value) {
      setState((before) => {
        const draft = { ...before.draft, [name]: value }
        if (isNothing(value)) delete draft[name]
        return stateOf(draft)
      })
    },
    setText(text) {
      const read = readJob(text)
      if (typeof read === 'string') setState({ ...state, text, textProblem: read })
      else setState({ draft: read, text, textProblem: null })
    },
    replace: (draft) => setState(stateOf(draft)),
    startOver() {
      setState(stateOf(initial))
      forget(form)
    },
  }
}

/** Under which name the form of a job like an earlier one is kept. */
export function againForm(jobId: string): string {
  return `job again ${jobId}`
}

/** Gives a form what it is to begin with, in place of what it may have kept. */
export function beginDraft(form: string, draft: Draft): void {
  forget(form)
  keepValue(form, 'job', stateOf(draft), toStore)
}

function stateOf(draft: Draft): State {
  return { draft, text: textOf(draft), textProblem: null }
}

function textOf(draft: Draft): string {
  return JSON.stringify(draft, null, 2)
}

/** Without what no browser should write down: names of secrets stay. A text in which they might be is not kept. */
function toStore({ draft, text, textProblem }: State): State {
  const { secrets, registryCredentials, ...open } = draft
  if (secrets === undefined && registryCredentials === undefined && textProblem === null)
    return { draft, text, textProblem }
  const names = secrets && Object.fromEntries(Object.keys(secrets).map((name) => [name, '']))
  return stateOf({ ...open, ...(names && { secrets: names }) })
}

function isNothing(value: unknown): boolean {
  return (
    value === undefined ||
    value === '' ||
    (typeof value === 'object' && value !== null && Object.keys(value).length === 0)
  )
}
