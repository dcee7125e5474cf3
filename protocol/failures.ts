/**
 * Why a job failed, in a form that people can act on. Codes cross the wire and are append-only.
 */

export const FAILURE_CODES = [
  'IMAGE_PULL_ERROR',
  'RESOURCE_LIMIT_EXCEEDED',
  'NETWORK_ERROR',
  'NON_ZERO_EXIT',
  'DURATION_EXCEEDED',
  'NO_PROVIDER',
  'INTERNAL',
] as const
export type FailureCode = (typeof FAILURE_CODES)[number]

export type FailureDetails = Record<string, string | number | boolean>

export interface Failure {
  code: FailureCode
  /** One sentence: what happened. */
  message: string
  /** One sentence: what the user can do. */
  remedy: string
  details: FailureDetails
}

interface FailureKind {
  cause: string
  remedy: string
}

const KINDS: Record<FailureCode, FailureKind> = {
  IMAGE_PULL_ERROR: {
    cause: 'The image could not be pulled.',
    remedy: 'Check the image name and tag; for a private registry add registryCredentials.',
  },
  RESOURCE_LIMIT_EXCEEDED: {
    cause: 'The job needed more resources than it may have.',
    remedy: 'Reduce the resource requirements, or ask for more than the job was given.',
  },
  NETWORK_ERROR: {
    cause: 'The provider could not be reached.',
    remedy: 'Try a different provider, or submit the job again.',
  },
  NON_ZERO_EXIT: {
    cause: 'The application ended with an error.',
    remedy: 'Check the application logs for details.',
  },
  DURATION_EXCEEDED: {
    cause: 'The job reached its duration and was stopped.',
    remedy: 'Ask for a longer duration, extend the job while it runs, or set autoExtend.',
  },
  NO_PROVIDER: {
    cause: 'No provider took the job before its queueTimeout.',
    remedy: 'Relax the constraints or the price cap, or wait for capacity with a longer queueTimeout.',
  },
  INTERNAL: {
    cause: 'Something went wrong inside the network.',
    remedy: 'Submit the job again; if it happens twice, report it with the job id.',
  },
}

/** Remedies that fit better than the code's own, by `details.reason`. */
const REMEDIES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    'out-of-memory': 'Raise memory, or make the application use less.',
    'storage-limit': 'Raise storage, or the size of the volume, or make the application write less.',
    'process-limit': 'Make the application start fewer processes and threads.',
    'no-provider-known':
      'Check the network name and the bootstrap addresses, or start a provider with `cortex agent`, then submit again.',
    'more-than-any-provider': 'Reduce the resource requirements to what a provider has.',
    'not-found': 'Check the image name and tag: the registry does not have it.',
    'repository-not-found': 'Check the image name; if the image is private, add registryCredentials.',
    'tag-not-found': 'Check the tag or digest: the registry has the image’s name, and not this version of it.',
    'rate-limited':
      'Add registryCredentials, or try again later: the registry lets this provider pull no more for now.',
    unauthorized: 'Add registryCredentials with a user name and password that may read the image.',
    'registry-unreachable': 'Check the registry part of the image name, or try again when the registry answers.',
    'wrong-architecture': 'Use an image built for the provider’s architecture, or choose another provider.',
    'no-space': 'The provider has no room for the image: try a different provider.',
    'never-present': 'Set imagePullPolicy to IfNotPresent: the provider does not have the image.',
    'invalid-reference': 'Write the image as [registry/]name[:tag] in lower case.',
    'invalid-command': 'Check command: the image has no such program, or it cannot be executed.',
  }),
)

/** Builds a failure; message and remedy default to the code's own (`details.reason` may choose a closer remedy). */
export function failure(code: FailureCode, message?: string, details: FailureDetails = {}): Failure {
  const kind = KINDS[code]
  const remedy = REMEDIES.get(String(details.reason)) ?? kind.remedy
  return { code, message: message ?? kind.cause, remedy, details }
}

export function isFailureCode(code: string): code is FailureCode {
  return (FAILURE_CODES as readonly string[]).includes(code)
}

/**
 * Whether who reports this code says that it broke the job off itself; then it is paid for what it ran, and no minimum
 * charge. Narrower than what another provider might do better: `NETWORK_ERROR` may be the requester's.
 */
export function isOwnFault(code: string): boolean {
  return code === 'INTERNAL'
}

/** "Exit Code N", as the troubleshooting table calls it. */
export function exitFailure(exitCode: number): Failure {
  return failure('NON_ZERO_EXIT', `Exit Code ${exitCode}`, { exitCode })
}
