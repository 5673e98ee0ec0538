const maxGroupName = 200;

/** Whether a group of an identity provider has a name that Postgres can keep and an admin could write. */
export function isGroupName(value: unknown): value is string {
  if (typeof value !== 'string' || value === '' || value.length > maxGroupName) return false;
  return !/\p{Cc}/u.test(value) && value.isWellFormed();
}
