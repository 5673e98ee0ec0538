import { AuditVerification, type TenantVerdict } from '../audit/audit-verification.service.js';
import { createApp } from '../create-app.js';
import type { Command, CommandArea } from './command.js';

function lineOf({ tenant, checked, head, broken }: TenantVerdict): string {
  const found =
    broken === undefined ? 'intact' : `broken at ${broken.seq} (${broken.reason.replaceAll('_', ' ')})`;
  return `${tenant}  ${found}  checked ${checked}  head ${head.seq} ${head.hash.toString('hex')}`;
}

const verify: Command = async (config, [slug]) => {
  const app = await createApp(config);
  try {
    const verdicts = await app.get(AuditVerification).verifyAll(slug);
    const isAnyBroken = verdicts.some(({ broken }) => broken !== undefined);
    if (isAnyBroken || verdicts.length === 0) process.exitCode = 1;
    return verdicts.length === 0 ? ['There is no such tenant.'] : verdicts.map(lineOf);
  } finally {
    await app.close();
  }
};

export const audit: CommandArea = {
  usage: `audit verify [<tenant>]
  verify    walk the audit log of every tenant, or of the one with this slug; fail when a row was changed or removed
`,
  commands: new Map(Object.entries({ verify })),
};
