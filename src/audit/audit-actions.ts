/** Everything that is recorded (administration.md, Audit). */
export const auditActions = [
  'login.succeeded',
  'login.failed',
  'logout',
  'session.revoked',
  'session.refresh_reused',
  'setup.completed',
  'setup.failed',
  'token.issued',
  'token.changed',
  'token.rotated',
  'token.revoked',
  'token.used',
  'user.created',
  'user.changed',
  'user.role_changed',
  'user.suspended',
  'user.reactivated',
  'user.password_changed',
  'user.read',
  'tenant.created',
  'tenant.changed',
  'tenant.suspended',
  'tenant.reactivated',
  'thread.deleted',
] as const;

export type AuditAction = (typeof auditActions)[number];
