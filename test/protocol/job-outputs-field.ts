/** What `outputs` takes and refuses, for `job-spec-fields.ts`. */
export const outputsOf = (path: { good: string[]; bad: string[] }) => ({
  good: [
    ...path.good,
    [{ path: '/a' }],
    [{ name: 'a', path: '/x/b' }, { path: '/y/b' }, { path: '/y/c d' }, { path: '/z/ü' }],
    Array.from({ length: 16 }, (_, i) => ({ path: `/out${i}` })),
  ],
  bad: [
    ...path.bad,
    [],
    {},
    null,
    ['/a'],
    ...path.bad.map((where) => [{ path: where }]),
    ...['', '..', 'a/b', '-a', 'a b', 'ü', 'a'.repeat(64), 1, null].map((name) => [{ name, path: '/a' }]),
    [{ path: '/a', to: { url: 'https://example.com' } }],
    ['/a', '/a'].map((where, i) => ({ name: `n${i}`, path: where })),
    ['/a', '/a/b'].map((where) => ({ path: where })),
    ['/b/c', '/b'].map((where) => ({ path: where })),
    ['/x/out', '/y/out'].map((where) => ({ path: where })),
    ['/x/out', '/y/OUT'].map((where) => ({ path: where })),
    [{ name: 'b', path: '/a' }, { path: '/b' }],
    Array.from({ length: 17 }, (_, i) => ({ path: `/out${i}` })),
  ],
})
