/** Providers that are compared at most: more columns nobody reads. */
export const MOST_COMPARED = 4
