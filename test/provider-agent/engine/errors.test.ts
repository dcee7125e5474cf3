import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RegistryFailure } from '../../../node/registry/failure.ts'
import { type FailureCode, kindOfFailure } from '../../../protocol/failures.ts'
import { toEngineError, toPullError } from '../../../provider-agent/engine/errors.ts'
import { LoadError } from '../../../provider-agent/engine/images/load-image.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'
import { endingOfError } from '../../../provider-agent/lease/ending.ts'

/** An error as dockerode makes it of the engine's answer. */
function answer(statusCode: number, message: string): Error {
  return Object.assign(new Error(`(HTTP code ${statusCode}) unexpected - ${message} `), {
    statusCode,
    json: { message },
  })
}

function socketError(code: string): Error {
  return Object.assign(new Error(`connect ${code} /run/docker.sock`), { code })
}

const runc =
  'failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process'

test('what the engine says becomes a code and details', () => {
  const cases: [Error, string, Record<string, unknown>][] = [
    [
      answer(400, `${runc}: exec: "nosuch": executable file not found in $PATH: unknown`),
      'INVALID_COMMAND',
      { reason: 'command-not-found' },
    ],
    [
      answer(400, `${runc}: exec: "/etc/passwd": permission denied: unknown`),
      'INVALID_COMMAND',
      { reason: 'not-executable' },
    ],
    [
      answer(400, `${runc}: exec: "/no": stat /no: no such file or directory: unknown`),
      'INVALID_COMMAND',
      { reason: 'command-not-found' },
    ],
    [
      answer(400, `${runc}: exec /app: exec format error: unknown`),
      'INVALID_COMMAND',
      { reason: 'wrong-architecture' },
    ],
    [answer(400, 'No command specified'), 'INVALID_COMMAND', { reason: 'no-command' }],
    ...[
      'unable to find user nosuch: no matching entries in passwd file',
      'unable to find group nosuch: no matching entries in group file',
      'uids and gids must be in range 0-2147483647',
    ].map((words): [Error, string, object] => [answer(500, words), 'INVALID_COMMAND', { reason: 'no-such-user' }]),
    ...[
      'Cannot mkdir: /etc/passwd is not a directory',
      'lstat /var/lib/docker/overlay2/7b93/merged/etc/passwd/x: not a directory',
      'failed to create shim task: OCI runtime create failed: runc create failed: Cwd must be an absolute path: unknown',
      `${runc}: mkdir /proc/x: no such file or directory: unknown`,
      `${runc}: chdir to cwd ("/root") set in config.json failed: permission denied: unknown`,
    ].map((words): [Error, string, object] => [answer(400, words), 'INVALID_COMMAND', { reason: 'bad-workdir' }]),
    [
      answer(400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'),
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'not-as-offered', resource: 'cpu' },
    ],
    [
      answer(400, 'Minimum memory limit allowed is 6MB'),
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'too-little-memory', resource: 'memory' },
    ],
    [
      answer(500, 'could not select device driver "" with capabilities: [[gpu]]'),
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'not-as-offered', resource: 'gpu' },
    ],
    [
      answer(500, 'write /var/lib/x: no space left on device'),
      'RESOURCE_LIMIT_EXCEEDED',
      { reason: 'no-space', resource: 'storage' },
    ],
    ...[
      'invalid signal: SIGFOO',
      'running container create option: stop signal cannot be greater than 64 (SIGRTMAX): invalid argument',
      'validating protocols for exposed port 80: unrecognized protocol "foo" in port mapping',
      'unable to convert image EXPOSE: port numbers must be between 1 and 65535 (inclusive), got 99999',
      'unable to convert image EXPOSE: invalid port number: strconv.Atoi: parsing "abc": invalid syntax',
    ].map((words): [Error, string, object] => [answer(500, words), 'IMAGE_PULL_ERROR', { reason: 'invalid-image' }]),
    [
      answer(500, 'validating protocols for exposed port 80: protocol SCTP is not allowed for exposed ports'),
      'IMAGE_PULL_ERROR',
      { reason: 'unknown' },
    ],
    [answer(404, 'No such image: a/b:1'), 'IMAGE_PULL_ERROR', { reason: 'never-present' }],
    [answer(404, 'No such container: x'), 'ENGINE_ERROR', { reason: 'not-found' }],
    [answer(500, 'something else'), 'ENGINE_ERROR', { status: 500 }],
    [new Error('something else'), 'ENGINE_ERROR', {}],
    [socketError('ECONNREFUSED'), 'ENGINE_UNAVAILABLE', {}],
    [socketError('ENOENT'), 'ENGINE_UNAVAILABLE', {}],
    [socketError('EACCES'), 'ENGINE_UNAVAILABLE', {}],
    [new Error('socket hang up'), 'ENGINE_UNAVAILABLE', {}],
    [new Error('aborted'), 'ENGINE_UNAVAILABLE', {}],
  ]
  for (const [error, code, details] of cases) {
    const mapped = toEngineError(error, 'starting x')
    assert.equal(mapped.code, code, error.message)
    assert.deepEqual(mapped.details, details, error.message)
    assert.equal(mapped.cause, error, error.message)
  }
})

test('entry 26: a runtime that starts nothing is this machine’s fault, not the command’s', () => {
  // As Docker 20.10 says of /bin/false, and of a program that is not there.
  const lost =
    'failed to create shim task: OCI runtime create failed: unable to retrieve OCI runtime error (open /run/x/log.json: no such file or directory)'
  for (const words of [
    `${lost}: /bin/false did not terminate successfully: exit status 1: unknown`,
    `${lost}: fork/exec /usr/bin/nothing-here: no such file or directory: unknown`,
  ]) {
    const error = toEngineError(answer(400, words), 'starting x')
    assert.equal(error.code, 'ENGINE_ERROR', words)
    const { failureCode, details } = endingOfError(error)
    const { fault, elsewhere } = kindOfFailure({ code: failureCode as FailureCode, details })
    assert.deepEqual([failureCode, fault, elsewhere], ['INTERNAL', 'place', true])
  }
})

test('what is wrong with a working folder is told, and none of the machine’s own folders', () => {
  const runc = 'OCI runtime create failed: container_linux.go: starting container process caused'
  for (const [words, told] of [
    ['Cannot mkdir: /etc/passwd is not a directory', /is a file and no folder\.$/],
    ['lstat /var/lib/docker/overlay2/7b93/merged/etc/passwd/x: not a directory', /is a file and no folder\.$/],
    [`${runc}: chdir to cwd ("/root") set in config.json failed: permission denied: unknown`, /user may not enter/],
    [`${runc}: mkdir /proc/x: no such file or directory: unknown`, /no such working folder/],
    ['runc create failed: Cwd must be an absolute path: unknown', /no path from the root/],
  ] as const) {
    const { message } = endingOfError(toEngineError(answer(400, words), 'starting x'))
    assert.match(message, told, words)
    assert.doesNotMatch(message, /overlay2/)
  }
})

test('an error that was mapped stays as it is', () => {
  const error = new EngineError('ENGINE_ERROR', 'x')
  assert.equal(toEngineError(error, 'starting x'), error)
  assert.equal(toPullError(error, 'a/b'), error)
})

test("what people read has the engine's words and not dockerode's around them", () => {
  const bare = Object.assign(new Error('(HTTP code 500) server error - Get "http://x/v2/": EOF '), { statusCode: 500 })
  assert.equal(toEngineError(bare, 'pulling x').message, 'pulling x: Get "http://x/v2/": EOF')
})

test('entry 4: a failed pull says why, and nothing of what was said by a registry or the engine', () => {
  const cases: [Error, string][] = [
    [new RegistryFailure('rate-limited', 'inside.lan answered 429'), 'rate-limited'],
    [new RegistryFailure('registry-not-allowed', 'inside.lan is 10.0.0.7'), 'registry-not-allowed'],
    [new LoadError('inside.lan: write /x: no space left on device'), 'no-space'],
    [new LoadError('inside.lan: something nobody has seen before'), 'unknown'],
  ]
  for (const [cause, reason] of cases) {
    const error = toPullError(cause, 'a/b:1')
    assert.equal(error.code, 'IMAGE_PULL_ERROR', reason)
    assert.deepEqual(error.details, { reason, image: 'a/b:1' })
    assert.equal(error.cause, cause)
    assert.doesNotMatch(error.message, /inside\.lan|10\.0|\/x|429|something/)
  }
})

test('entry 10: what an engine does not take of an image is the image’s, unless it may be this machine’s', () => {
  const tar = 'Error processing tar file(exit status 1)'
  const podman =
    'payload does not match any of the supported image formats:\n * oci: open /x/index.json: not a directory\n * '
  const rest = '\n * dir: open /x/manifest.json: not a directory'
  const cases: [string, string][] = [
    ['json: cannot unmarshal number into Go struct field Config.config.User of type string', 'invalid-image'],
    ['parsing time ""x"" as ""2006-01-02T15:04:05Z07:00"": cannot parse "x"" as "2006"', 'invalid-image'],
    ['too many non-empty layers in History section', 'invalid-image'],
    [`${tar}: link /nowhere /link: no such file or directory`, 'invalid-image'],
    [`${tar}: open /a/b: not a directory`, 'invalid-image'],
    [`${tar}: open /a/b: too many levels of symbolic links`, 'invalid-image'],
    [`${tar}: archive/tar: invalid tar header`, 'invalid-image'],
    [`${tar}: failed to mknod("/", S_IFCHR, 0): file exists`, 'invalid-image'],
    [`${podman}processing tar file(open /a/b: not a directory): exit status 1${rest}`, 'invalid-image'],
    [`${podman}processing tar file(lsetxattr /d: invalid argument): exit status 1${rest}`, 'unknown'],
    [`${tar}: write /a: no space left on device`, 'no-space'],
    // Rootless engines have few users, and a machine may run out of memory.
    [`${tar}: lchown /a: invalid argument`, 'unknown'],
    ['Error processing tar file(signal: killed)', 'unknown'],
    ['open /var/lib/docker/tmp/docker-import-1: no such file or directory', 'unknown'],
    ['mkdir /var/lib/docker/overlay2/x: read-only file system', 'unknown'],
  ]
  for (const [words, reason] of cases)
    assert.equal(toPullError(new LoadError(words), 'a').details.reason, reason, words)
  const environment = `${runc}: error during container init: environment variable name can't be empty: "=b": unknown`
  const { failureCode, details } = endingOfError(toEngineError(answer(500, environment), 'starting x'))
  assert.deepEqual([failureCode, details.reason], ['IMAGE_PULL_ERROR', 'invalid-image'])
})

test('a pull that failed because the engine is gone says that', () => {
  assert.equal(toPullError(socketError('ECONNRESET'), 'a/b').code, 'ENGINE_UNAVAILABLE')
})
