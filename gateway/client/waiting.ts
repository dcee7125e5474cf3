/** A machine to work in, as clients and tools make it: a job that waits for commands. */

/** How long it lasts at most, in seconds, where nobody says. */
export const SANDBOX_SECONDS = 1_800

/**
 * What it does while nobody uses it; no image needs more than a shell. A shell that waits is heard by signals. Its word is
 * for how many seconds it may be idle, 0 for always: nothing has begun, which the number of the newest process tells, and
 * nothing runs. Where the kernel does not tell that, it is never idle.
 */
const WAITING = `trap "exit 0" TERM INT
idle=$1 left=$1 was=
set -- /proc/[0-9]*
rest=$#
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

/** Fields of such a job. @param idle seconds without use after which it ends by itself. @default never */
export function sandboxFields(idle = 0) {
  return { command: ['sh', '-c', WAITING, 'sh', String(idle)], args: [], stopGraceSeconds: 1, maxAttempts: 1 }
}
