import assert from 'node:assert/strict'
import { test } from 'node:test'
import { classifyPull, toEngineError, toPullError } from '../../../provider-agent/engine/errors.ts'
import { EngineError } from '../../../provider-agent/engine/index.ts'

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
      { reason: 'not-executable' },
    ],
    [
      answer(400, `${runc}: exec: "/etc/passwd": permission denied: unknown`),
      'INVALID_COMMAND',
      { reason: 'not-executable' },
    ],
    [
      answer(400, `${runc}: exec: "/no": stat /no: no such file or directory: unknown`),
      'INVALID_COMMAND',
      { reason: 'not-executable' },
    ],
    [
      answer(400, `${runc}: exec /app: exec format error: unknown`),
      'INVALID_COMMAND',
      { reason: 'wrong-architecture' },
    ],
    [answer(400, 'No command specified'), 'INVALID_COMMAND', { reason: 'no-command' }],
    [
      answer(400, 'Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available'),
      'RESOURCE_LIMIT_EXCEEDED',
      { resource: 'cpu' },
    ],
    [answer(400, 'Minimum memory limit allowed is 6MB'), 'RESOURCE_LIMIT_EXCEEDED', { resource: 'memory' }],
    [
      answer(500, 'could not select device driver "" with capabilities: [[gpu]]'),
      'RESOURCE_LIMIT_EXCEEDED',
      { resource: 'gpu' },
    ],
    [answer(500, 'write /var/lib/x: no space left on device'), 'RESOURCE_LIMIT_EXCEEDED', { resource: 'storage' }],
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

test('an error that was mapped stays as it is', () => {
  const error = new EngineError('ENGINE_ERROR', 'x')
  assert.equal(toEngineError(error, 'starting x'), error)
  assert.equal(toPullError(error, 'a/b', false), error)
})

test("what people read has the engine's words and not dockerode's around them", () => {
  const bare = Object.assign(new Error('(HTTP code 500) server error - Get "http://x/v2/": EOF '), { statusCode: 500 })
  assert.equal(toEngineError(bare, 'pulling x').message, 'pulling x: Get "http://x/v2/": EOF')
})

test('a failed pull says why', () => {
  const cases: [string, boolean, string][] = [
    ['manifest for nginx:nosuch not found: manifest unknown: manifest unknown', false, 'not-found'],
    ['manifest for denied/timeout:1 not found: manifest unknown', false, 'not-found'],
    ['name unknown: repository name not known to registry', false, 'repository-not-found'],
    [
      "pull access denied for a/b, repository does not exist or may require 'docker login': denied",
      false,
      'repository-not-found',
    ],
    [
      "pull access denied for a/b, repository does not exist or may require 'docker login': denied",
      true,
      'unauthorized',
    ],
    ['unauthorized: authentication required', false, 'unauthorized'],
    ['Get "https://r.example/v2/": unauthorized: incorrect username or password', true, 'unauthorized'],
    ['no basic auth credentials', false, 'unauthorized'],
    ['denied: requested access to the resource is denied', true, 'unauthorized'],
    ['toomanyrequests: You have reached your pull rate limit.', false, 'rate-limited'],
    ['Get "https://r.example/v2/": dial tcp: lookup r.example: no such host', false, 'registry-unreachable'],
    ['Get "http://127.0.0.1:1/v2/": dial tcp 127.0.0.1:1: connect: connection refused', false, 'registry-unreachable'],
    [
      'net/http: request canceled while waiting for connection (Client.Timeout exceeded)',
      false,
      'registry-unreachable',
    ],
    [
      'Get "https://127.0.0.1:5000/v2/": http: server gave HTTP response to HTTPS client',
      false,
      'registry-unreachable',
    ],
    ['x509: certificate signed by unknown authority', false, 'registry-unreachable'],
    ['unexpected EOF', false, 'registry-unreachable'],
    ['no matching manifest for linux/amd64 in the manifest list entries', false, 'wrong-architecture'],
    ['failed to register layer: write /x: no space left on device', false, 'no-space'],
    ['invalid reference format: repository name must be lowercase', false, 'invalid-reference'],
    ['something nobody has seen before', false, 'unknown'],
  ]
  for (const [text, withCredentials, reason] of cases) {
    assert.equal(classifyPull(text, withCredentials), reason, text)
    const error = toPullError(answer(500, text), 'a/b:1', withCredentials)
    assert.equal(error.code, 'IMAGE_PULL_ERROR', text)
    assert.deepEqual(error.details, { reason, image: 'a/b:1' }, text)
  }
})

test('a pull that failed because the engine is gone says that', () => {
  assert.equal(toPullError(socketError('ECONNRESET'), 'a/b', false).code, 'ENGINE_UNAVAILABLE')
})
