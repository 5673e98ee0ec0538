const visible = /^[\p{L}\p{M}\p{N}\p{P}\p{S}]{1,200}$/u;

/** Whether it can be what a client calls something: 1 to 200 visible characters, of any script. */
export function isClientId(value: unknown): value is string {
  return typeof value === 'string' && visible.test(value);
}
