import { furtherProviders } from '../identity-provider-type.js';
import { PLACEHOLDER, setting, type Setting } from '../setting.js';
import { boolean, duration, integer, list, mapOf, oneOf, text, url } from '../value-types.js';

const DAY_S = 24 * 60 * 60;
const YEAR_S = 365 * DAY_S;

const role = oneOf('admin', 'power_user', 'user', 'guest');

/** Who people are: identity providers, roles, sessions, tokens. */
export const identitySettings = {
  'oidc.issuer': setting(url(), {
    requiredInProduction: true,
    aliases: ['OIDC_ISSUER'],
    description: 'Issuer of the OpenID provider; outside production the development one when unset.',
  }),
  'oidc.clientId': setting(text, {
    requiredInProduction: true,
    aliases: ['OIDC_CLIENT_ID'],
    description: 'Client id that the OpenID provider knows Parley by.',
  }),
  'oidc.clientSecret': setting(text, {
    secret: true,
    aliases: ['OIDC_CLIENT_SECRET'],
    description: 'Client secret at the OpenID provider; leave unset for a public client.',
  }),
  'oidc.scopes': setting(list({ minimumItems: 1 }), {
    default: ['openid', 'profile', 'email'],
    description: 'Scopes to ask the OpenID provider for.',
  }),
  'oidc.label': setting(text, {
    default: 'Single sign-on',
    description: 'What the log-in button says.',
  }),
  'oidc.providers': setting(furtherProviders, {
    default: [],
    secret: true,
    example: `[{"name":"partner","issuer":"https://id.example.org","clientId":"parley","clientSecret":"${PLACEHOLDER}"}]`,
    description: 'Further OpenID providers, beside that of oidc.issuer.',
  }),
  'oidc.resourceServer.audience': setting(text, {
    description:
      'Audience of access tokens of the OpenID provider that programs may present as bearer; none may when unset.',
  }),
  'oidc.resourceServer.scopes': setting(list(), {
    default: ['read', 'write'],
    description: 'Scopes of such an access token when it names none of ours.',
  }),

  'identity.groupsClaim': setting(text, {
    default: 'groups',
    description: 'Claim with the groups of a user; a dotted path, such as realm_access.roles.',
  }),
  'identity.groupRoles': setting(mapOf(role), {
    default: {},
    description: 'Role that each group of the OpenID provider gives, such as {"staff": "power_user"}.',
  }),
  'identity.absentGroups': setting(oneOf('keep', 'default', 'refuse'), {
    default: 'keep',
    description:
      'When the groups claim is absent at a login: keep the last role, give the default one, or refuse the login.',
  }),
  'identity.admins': setting(list(), {
    default: [],
    description:
      'People who are admins whatever their groups say, each as issuer#subject, such as https://id.example.org#248289.',
  }),
  'identity.tenantClaim': setting(text, {
    description:
      'Claim that tells the tenant of a user, such as hd or tid; who has no known tenant by it cannot log in.',
  }),
  'identity.usernameClaim': setting(text, {
    default: 'preferred_username',
    description: 'Claim with the username; the subject where it is absent.',
  }),
  'identity.nameClaim': setting(text, {
    default: 'name',
    description: 'Claim with the name to show.',
  }),
  'identity.emailClaim': setting(text, {
    default: 'email',
    description: 'Claim with the email address. It is for display and never identifies.',
  }),
  'identity.defaultRole': setting(role, {
    default: 'user',
    description: 'Role of a user whose groups give none.',
  }),
  'login.local': setting(oneOf('auto', 'on', 'off'), {
    default: 'auto',
    description:
      'Whether local accounts may log in with a password; auto: only where there is no OpenID provider. When on, none is needed: production does not ask for one, and elsewhere the development one does not start.',
  }),

  'roles.guestsChat': setting(boolean, {
    default: false,
    description: 'Whether guests may chat, beside reading what is shared with everyone.',
  }),

  'tokens.selfService': setting(boolean, {
    default: false,
    description: 'Whether users may issue API tokens for themselves; else only admins do.',
  }),
  'tokens.maxLifetimeDays': setting(integer({ minimum: 1, maximum: 3650, unit: 'days' }), {
    default: 365,
    description: 'Longest life of an API token, in days.',
  }),

  'session.secrets': setting(list({ minimumItems: 1, minimumLength: 32 }), {
    secret: true,
    requiredInProduction: true,
    description: 'Keys of sessions: the first signs, all verify. Make one with: openssl rand -base64 48.',
  }),
  'session.accessLifetimeSeconds': setting(duration({ minimum: 10, maximum: DAY_S, unit: 's' }), {
    default: 900,
    description: 'Life of an access token, in s.',
  }),
  'session.refreshGraceSeconds': setting(duration({ minimum: 0, maximum: 300, unit: 's' }), {
    default: 10,
    description: 'Time a used refresh token is still answered, for two tabs at once, in s.',
  }),
  'session.idleLifetimeSeconds': setting(duration({ minimum: 60, maximum: YEAR_S, unit: 's' }), {
    default: 7 * DAY_S,
    description: 'Time after which an unused session ends, in s.',
  }),
  'session.recentLoginSeconds': setting(duration({ minimum: 60, maximum: YEAR_S, unit: 's' }), {
    default: 3600,
    description: 'Time after a login in which an admin may change things by cookie, in s.',
  }),
  'session.trustUntoldLogins': setting(boolean, {
    default: false,
    description:
      'Whether a login counts as recent when the provider does not tell when the person authenticated (auth_time).',
  }),
  'session.absoluteLifetimeSeconds': setting(duration({ minimum: 60, maximum: YEAR_S, unit: 's' }), {
    default: 30 * DAY_S,
    description: 'Time after which every session ends, in s.',
  }),
} satisfies Readonly<Record<string, Setting>>;
