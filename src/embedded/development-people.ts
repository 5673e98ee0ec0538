import type { Role } from '../common/owner.js';

/** Someone to log in as at the development identity provider. The fields but `role` are claims. */
export interface DevelopmentPerson {
  readonly sub: string;
  readonly name: string;
  readonly preferred_username: string;
  readonly email: string;
  readonly email_verified: boolean;
  readonly groups: readonly string[];
  /** What `developmentGroupRoles` makes of the groups. */
  readonly role: Role;
}

export const developmentGroupRoles: Readonly<Record<string, Role>> = {
  'parley-admins': 'admin',
  'parley-power-users': 'power_user',
  'parley-users': 'user',
  'parley-guests': 'guest',
};

export const developmentPeople: readonly DevelopmentPerson[] = [
  person('ada', 'Ada Admin', 'parley-admins', 'admin'),
  person('paul', 'Paul Power', 'parley-power-users', 'power_user'),
  person('uma', 'Uma User', 'parley-users', 'user'),
  person('gus', 'Gus Guest', 'parley-guests', 'guest'),
];

function person(username: string, name: string, group: string, role: Role): DevelopmentPerson {
  return {
    sub: username,
    name,
    preferred_username: username,
    email: `${username}@parley.example`,
    email_verified: true,
    groups: [group],
    role,
  };
}
