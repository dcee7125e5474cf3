/**
 * What a submission is where it says nothing of a field: the schema, the form, the command line and what is left out of a
 * job that is shown again all read it here. Nothing but values, so that a browser can have it without the schema.
 */

/** Any network of providers. */
export const ANY_PROVIDER = 'p2p'

/** In the words and units of a submission. */
export const JOB_DEFAULTS = {
  provider: ANY_PROVIDER,
  /** Millicores. */
  cpu: 1000,
  memory: '512Mi',
  storage: '1Gi',
  gpu: 0,
  /** Seconds, as all times here. */
  duration: 3600,
  providerStrategy: 'cost',
  autoExtend: false,
  maxAttempts: 3,
  retryOnFailure: false,
  queueTimeout: 120,
  onDisconnect: 'continue',
  leaseTimeout: 60,
  imagePullPolicy: 'IfNotPresent',
  stopGraceSeconds: 10,
  network: 'bridge',
} as const

/** Attempts that a job may ask for, at most. */
export const MAX_ATTEMPTS = 10
