/** What cron expressions are held to, and what is said of them: the same at the gateway and on its pages. */

/** Five fields, six with seconds in front, or a name such as `@daily`. */
export const CRON_FORM = /^(?:@[a-z]+|\S+(?:\s+\S+){4,5})$/

/** What is wrong with a text that is not of that form. */
export const NOT_OF_FORM =
  'must have five fields (minute hour day month weekday), six with seconds in front, or be like @daily'

/** Why a schedule never ticks: there is no other reason. */
export const NEVER_TICKS = 'no month that it names has such a day'

/** What each field may hold. */
const RANGES = {
  second: '0 to 59',
  minute: '0 to 59',
  hour: '0 to 23',
  day: '1 to 31',
  month: '1 to 12 or JAN to DEC',
  dayOfWeek: '0 to 7 or SUN to SAT',
}

/** What the library says against a cron expression, with the number as it was written: it counts days and months from 0. */
export function cronProblem(error: unknown): string {
  return `is no cron expression: ${error instanceof Error ? wordsOf(error.message) : String(error)}`
}

function wordsOf(message: string): string {
  const [, name, value] = /Invalid value for (\w+): (-?\d+)/.exec(message) ?? []
  if (name === undefined || !(name in RANGES)) return message.replace(/^CronPattern: /, '')
  const written = Number(value) + (name === 'day' || name === 'month' ? 1 : 0)
  const field = name === 'dayOfWeek' ? 'weekday' : name
  return `${field} ${written} is out of range, write ${RANGES[name as keyof typeof RANGES]}`
}
