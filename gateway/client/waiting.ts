/** A machine to work in, as clients and tools make it: a job that waits for commands. */

/** How long it lasts at most, in seconds, where nobody says. */
export const SANDBOX_SECONDS = 1_800

/**
 * What it does while nobody uses it; no image needs more than a shell. A shell that waits is heard by signals. Its word is
 * for how many seconds it may be idle, 0 for always: nothing has begun, which the number of the newest process tells, and
 * nothing runs but this shell, and the engine's init where there is one. It looks every five seconds. Where the kernel does
 * not tell that, it is never idle.
 */
const WAITING = `trap "exit 0" TERM INT
idle=$1 left=$1 was=
rest=1
[ $$ = 1 ] || rest=2
while :; do
  sleep 5 & wait $!
  [ "$idle" -gt 0 ] || continue
  read -r one five fifteen running newest </proc/loadavg
  set -- /proc/[0-9]*
  if [ "$newest" = "$((was + 1))" ] && [ $# -le "$rest" ]; then
    left=$((left - 5))
    [ "$left" -gt 0 ] || exit 0
  else left=$idle; fi
  was=$newest
done`

/**
 * Fields of such a job.
 * @param idle whole seconds without use after which it ends by itself, give or take ten; 0 is never. @default never
 * @throws {RangeError}
 */
export function sandboxFields(idle = 0) {
  if (!Number.isSafeInteger(idle) || idle < 0) {
    throw new RangeError(`idle is a whole number of seconds, or 0 for never; ${idle} is none`)
  }
  return { command: ['sh', '-c', WAITING, 'sh', String(idle)], args: [], stopGraceSeconds: 1, maxAttempts: 1 }
}
