import { z } from 'zod'

type Bare<T> = T extends z.ZodDefault<infer I> | z.ZodPrefault<infer I> | z.ZodOptional<infer I> ? Bare<I> : T

/** The same object with every field optional and without its default: what is absent stays absent. */
export function partialOf<S extends z.core.$ZodLooseShape>(object: z.ZodObject<S, z.core.$strict>) {
  const shape = mapped(object, (field) => z.optional(bare(field)))
  return z.strictObject(shape as { [K in keyof S]: z.ZodOptional<Bare<S[K]>> })
}

/** Changes to such an object: every field is optional, without its default, and null takes it out. */
export function changesOf<S extends z.core.$ZodLooseShape>(object: z.ZodObject<S, z.core.$strict>) {
  const shape = mapped(object, (field) => z.optional(z.nullable(bare(field))))
  return z.strictObject(shape as { [K in keyof S]: z.ZodOptional<z.ZodNullable<Bare<S[K]>>> })
}

function mapped(object: z.ZodObject, change: (field: z.core.$ZodType) => z.ZodType): Record<string, z.ZodType> {
  return Object.fromEntries(Object.entries(object.shape).map(([name, field]) => [name, change(field)]))
}

/** Keeps the description, which belongs to the field and not to its default. */
function bare(field: z.core.$ZodType): z.core.$ZodType {
  let inner = field
  while (inner instanceof z.ZodDefault || inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
    inner = inner.def.innerType
  }
  const description = field instanceof z.ZodType ? field.description : undefined
  return description !== undefined && inner instanceof z.ZodType ? inner.describe(description) : inner
}
