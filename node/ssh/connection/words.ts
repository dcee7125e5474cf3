import { MAX_COMMAND_WORD_LENGTH } from '../../../protocol/limits.ts'

/** Variables that a client sets for one command, and their bytes together. */
const MAX_VARIABLES = 32
const MAX_VARIABLES_BYTES = 8 * 1024

/** The variable by which processes of a session are found again, when it sends a signal. */
const MARK = 'CORTEX_SSH_SESSION'

const NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** The variables of a session, as its client sends them. */
export interface Variables {
  /** Whether it was taken. */
  set(name: string, value: string): boolean
  /** As `NAME=value`. */
  all(): string[]
}

/** None yet. */
export function createVariables(): Variables {
  const values = new Map<string, string>()
  return {
    set(name, value) {
      if (!NAME.test(name) || value.includes('\0') || value.length > MAX_VARIABLES_BYTES) return false
      const before = [...values].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
      if (before + name.length + value.length > MAX_VARIABLES_BYTES) return false
      if (!values.has(name) && values.size >= MAX_VARIABLES) return false
      values.set(name, value)
      return true
    },
    all: () => [...values].map(([name, value]) => `${name}=${value}`),
  }
}

/** Takes variables up to `--`; what stands behind is `$1` and so on. */
const EXPORT = 'while [ "$1" != -- ]; do export "$1"; shift; done; shift; '

/** A shell as people want it. What an image sets in its environment stays, as a login shell would not let it. */
const SHELL = 'command -v bash >/dev/null 2>&1 && exec bash; exec sh'

/** Whether a command's text goes into one word. */
export function isTooLong(text: string): boolean {
  return text.length > MAX_COMMAND_WORD_LENGTH
}

/**
 * What runs in the container for a shell, or for a command as `sshd` would hand it to one.
 * @param session which it is, for {@link signalWords}
 */
export function commandWords(command: string | null, variables: string[], session: string): string[] {
  const script = command === null ? SHELL : 'exec sh -c "$1"'
  const words = [...variables, `${MARK}=${session}`, '--', ...(command === null ? [] : [command])]
  return ['sh', '-c', `${EXPORT}${script}`, 'sh', ...words]
}

/** Signals as SSH names them. */
const SIGNALS: Readonly<Record<string, number>> = {
  ...{ HUP: 1, INT: 2, QUIT: 3, ILL: 4, ABRT: 6, FPE: 8, KILL: 9 },
  ...{ USR1: 10, SEGV: 11, USR2: 12, PIPE: 13, ALRM: 14, TERM: 15 },
}

/** Its number on Linux; undefined of what is none of SSH's. */
export function signalNumber(name: string): number | undefined {
  return Object.hasOwn(SIGNALS, name) ? SIGNALS[name] : undefined
}

/** The name of such a number; undefined where it is none of SSH's. */
export function signalName(number: number): string | undefined {
  return Object.keys(SIGNALS).find((name) => SIGNALS[name] === number)
}

/** What sends a signal to a session's processes: to all that have its mark. */
export function signalWords(name: string, session: string): string[] {
  const script = 'cd /proc && for n in [0-9]*; do grep -qs "$1" "$n/environ" && kill -s "$2" "$n"; done; :'
  return ['sh', '-c', script, 'sh', `${MARK}=${session}`, name]
}

const HOST = /^[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}$/

/** The host as a program in the container is to call it; null of what is no host. */
export function hostWithin(host: string): string | null {
  if (['', 'localhost', '::1', '0.0.0.0', '::'].includes(host.toLowerCase())) return '127.0.0.1'
  return HOST.test(host) ? host : null
}

const PERL = `use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => $ARGV[0], PeerPort => $ARGV[1], Proto => "tcp") or exit 1;
syswrite(STDOUT, "+"); my $b; my $p = $$;
if (my $c = fork) { while (sysread(STDIN, $b, 65536)) { my $o = 0; while ($o < length $b) { $o += syswrite($s, $b, 65536, $o) || exit } } shutdown($s, 1); waitpid($c, 0) }
else { while (sysread($s, $b, 65536)) { my $o = 0; while ($o < length $b) { $o += syswrite(STDOUT, $b, 65536, $o) || last } } kill 9, $p }`

const PYTHON = `import os, socket, sys, threading
s = socket.create_connection((sys.argv[1], int(sys.argv[2])))
os.write(1, b"+")
def up():
    while True:
        b = os.read(0, 65536)
        if not b: break
        s.sendall(b)
    s.shutdown(socket.SHUT_WR)
threading.Thread(target=up, daemon=True).start()
while True:
    b = s.recv(65536)
    if not b: break
    while b: b = b[os.write(1, b):]
os._exit(0)`

/** It cannot end one direction alone: a minute after its input it ends the other, too. */
const BASH =
  'exec 3<>"/dev/tcp/$1/$2" || exit 1; printf +; cat <&3 & c=$!; { cat >&3; exec 3>&-; sleep 60; kill $c; } <&0 >/dev/null 2>&1 & wait $c'

/**
 * What joins its input and output to a TCP port as the container sees it: by whatever of perl, Python, bash, nc and socat
 * the image has. It writes `+` when it is connected; `nc` and `socat`, which do not tell, when they begin. Exits 127 where
 * there is none of them.
 */
export function dialWords(host: string, port: number): string[] {
  const script = [
    'has() { command -v "$1" >/dev/null 2>&1; }',
    'if has perl && perl -MIO::Socket::INET -e 1 2>/dev/null; then exec perl -e "$3" "$1" "$2"; fi',
    'if has python3; then exec python3 -c "$4" "$1" "$2"; fi',
    'if has bash && has cat; then exec bash -c "$5" bash "$1" "$2"; fi',
    'if has nc; then printf +; exec nc "$1" "$2"; fi',
    'if has socat; then printf +; exec socat - "TCP:$1:$2"; fi',
    'exit 127',
  ].join('\n')
  return ['sh', '-c', script, 'sh', host, String(port), PERL, PYTHON, BASH]
}
