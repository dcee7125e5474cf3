/** What a program finds in its environment beside what its job says. A job's own entry of one of these names goes before it. */
export const JOB_ENVIRONMENT = {
  CORTEX_JOB_ID: 'The job’s id.',
  CORTEX_ATTEMPT: 'Which attempt of the job this is, from 1.',
  CORTEX_PROVIDER: 'Peer id of the provider.',
  CORTEX_CPU: 'Millicores that the container has.',
  CORTEX_MEMORY: 'Its memory in bytes.',
  CORTEX_STORAGE: 'Its storage in bytes, volumes included.',
  CORTEX_GPU: 'How many GPUs it has.',
  CORTEX_DURATION: 'Seconds that it may run, as at its start.',
  CORTEX_OUTPUTS:
    'The path that is kept when it ends, or several with a colon between them; not there where nothing is.',
} as const

/** Some of {@link JOB_ENVIRONMENT} with their values. */
export type JobEnvironment = Partial<Record<keyof typeof JOB_ENVIRONMENT, string>>
