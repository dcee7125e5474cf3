/** Fields of a job that may still change while nobody has it. */
export const JOB_CHANGES = [
  ...(['name', 'labels'] as const),
  ...(['cpu', 'memory', 'storage', 'gpu', 'gpuRequirements', 'platform', 'isolation', 'constraints'] as const),
  ...(['duration', 'queueTimeout'] as const),
  ...(['maxPrice', 'provider', 'providerStrategy'] as const),
] as const
