import type { Level } from 'level'

/**
 * The form of what is stored. Raise it with a change that an older version would read wrong, or damage; fields that it
 * passes over are none. See docs/upgrades.md.
 */
export const STORE_FORM = 1

/** Where it stands, beside every table: none has such a key. */
export const FORM_KEY = 'form'

/** Which form a store has, and which version wrote it last. */
export interface StoredForm {
  form: number
  version: string
}

/** Null in stores of versions that did not say. */
export async function readForm(database: Pick<Level<string, string>, 'get'>): Promise<StoredForm | null> {
  const text = await database.get(FORM_KEY)
  return text === undefined ? null : (JSON.parse(text) as StoredForm)
}

/** Why this version must not use the store, and what to do; null where it may. */
export function formProblem(folder: string, stored: StoredForm | null, version: string): string | null {
  if (stored === null || stored.form <= STORE_FORM) return null
  const what = `was written by cortex ${stored.version}, whose form ${stored.form} this version (${version}) does not know`
  const remedy = `install cortex-node@${stored.version} or a newer one, or give a copy of the folder from before the upgrade`
  return `The store in ${folder} ${what}: ${remedy}`
}

/** Writes down that this version writes from here on. */
export async function markForm(
  database: Pick<Level<string, string>, 'put'>,
  stored: StoredForm | null,
  version: string,
): Promise<void> {
  if (stored?.form === STORE_FORM && stored.version === version) return
  await database.put(FORM_KEY, JSON.stringify({ form: STORE_FORM, version } satisfies StoredForm))
}
