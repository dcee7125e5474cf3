/** `docs/failures.md`, made from the table in `protocol/failures.ts`: `npm run gen` writes it, a test holds it against the table. */
import { writeFile } from 'node:fs/promises'
import { type Consequences, FAULTS, type FailureKind, type Fault, failureKinds } from '../protocol/failures.ts'
import { OUTPUT_PROBLEMS } from '../protocol/output-problems.ts'
import { SENT_FAILURES } from '../protocol/sent-failures.ts'

export const FAILURES_PAGE = new URL('../docs/failures.md', import.meta.url)

const BILLED: Record<Consequences['billed'], string> = {
  'with-minimum': 'the time that it ran, the minimum charge at least',
  'time-only': 'the time that it ran',
}
const COUNTS: Record<Consequences['counts'], string> = {
  'for-everybody': 'against the provider',
  'for-owner': 'against the provider, in the eyes of this job’s owner',
  not: 'no',
}
const MEANINGS: Record<Fault, string> = {
  job: 'the program did it, or ran into a limit that it was given',
  user: 'what was asked for cannot work as it was asked for',
  provider: 'the machine’s owner or its agent broke the attempt off',
  place: 'the machine’s network, disk or engine did not do, and what a job asks for may have brought it about',
  ours: 'a fault of Cortex node, or something that has no name yet',
}

/** The whole page. */
export function failuresPage(): string {
  const faults = (Object.keys(FAULTS) as Fault[]).map((fault) => {
    const { who, ...consequences } = FAULTS[fault]
    return row([`\`${fault}\``, MEANINGS[fault], who, ...effects(consequences)])
  })
  return `# Why jobs fail

Made from the table in \`protocol/failures.ts\` by \`npm run gen\`. A job that failed has \`error: { code, message, remedy, fault, details, change }\`; \`details.reason\` is the row, and \`change\` the fields of the job to change, where that is the remedy (\`POST …/resubmit\` takes them). Programs match code and reason, which are only ever added; a reason that a program does not know means what the code's own row means.

## Who can mend it, and what follows

| \`fault\` | means | can be mended by | next attempt elsewhere | a later one there again | an attempt that ran owes | counts |
|---|---|---|---|---|---|---|
${faults.join('\n')}

An attempt whose container never started owes nothing. With \`retryOnFailure\` every failure of an attempt is tried again elsewhere, as long as \`maxAttempts\` allows it.

## Every reason

Where a row differs from its \`fault\`, it says so.

| code | reason | \`fault\` | what happened | what to do | but |
|---|---|---|---|---|---|
${failureKinds().map(reasonRow).join('\n')}

## Outputs that were not kept

Made from the table in \`protocol/output-problems.ts\`. A job ends as its container ended, whatever became of what it left: the message is in \`results.leftOut\`, in the answer of \`GET …/output\`, and what \`cortex run\` says before it ends with 125.

| what happened | can be mended by | what to do |
|---|---|---|
${Object.values(OUTPUT_PROBLEMS)
  .map(({ message, fault, remedy }) => row([message, FAULTS[fault].who, remedy]))
  .join('\n')}

## Outputs that did not go where the job said

Made from \`protocol/sent-failures.ts\`. The job has not failed: \`results.sent\` has the output with this \`reason\` and a \`problem\` to read, and it is kept as outputs without \`to\` are.

| reason | what happened | what to do |
|---|---|---|
${sentRows().join('\n')}
`
}

function sentRows(): string[] {
  return Object.entries(SENT_FAILURES).map(([reason, { cause, remedy }]) => row([`\`${reason}\``, cause, remedy]))
}

function reasonRow(kind: FailureKind): string {
  const { code, reason, fault, cause, remedy } = kind
  const usual = effects(FAULTS[fault])
  const apart = effects(kind).map((text, index) => (text === usual[index] ? '' : EFFECT_NAMES[index] + text))
  return row([
    `\`${code}\``,
    reason === null ? '' : `\`${reason}\``,
    fault,
    cause,
    remedy,
    apart.filter(Boolean).join('; '),
  ])
}

const EFFECT_NAMES = ['elsewhere: ', 'there again: ', 'owes: ', 'counts: ']

function effects({ elsewhere, mayReturn, billed, counts }: Consequences): string[] {
  return [elsewhere ? 'yes' : 'no', mayReturn ? 'yes' : 'never', BILLED[billed], COUNTS[counts]]
}

function row(cells: string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

if (import.meta.main) await writeFile(FAILURES_PAGE, failuresPage())
