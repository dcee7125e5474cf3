import type { FieldProblem } from '../../../../client/errors.ts'

/** What is wrong with a field or, where `isDeep`, with anything in it. */
export function errorAt(problems: FieldProblem[], path: string, isDeep = true): string | undefined {
  const exact = problems.find((problem) => problem.path === path)
  if (exact !== undefined) return sentence(exact.message)
  const inside = isDeep
    ? problems.find((problem) => problem.path.startsWith(`${path}.`) || problem.path.startsWith(`${path}[`))
    : undefined
  return inside && sentence(`${inside.path.slice(path.length).replace(/^\./, '')} ${inside.message}`)
}

/** Problems of fields that the form does not show. */
export function otherProblems(problems: FieldProblem[], shown: readonly string[]): FieldProblem[] {
  return problems.filter(({ path }) => !shown.includes(path.split(/[.[]/)[0] ?? ''))
}

function sentence(message: string): string {
  return message.charAt(0).toUpperCase() + message.slice(1)
}
