import { describe, expect, it } from '@jest/globals';
import type { ICruiseResult } from 'dependency-cruiser';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

const root = path.join(import.meta.dirname, '../..');
const rules = path.join(root, '.dependency-cruiser.cjs');
const program = path.join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');

/** What each rule is to find in planted/src; the other files there show what it must let pass. */
const planted = {
  'common-is-a-leaf': 'common/owner.ts',
  'controllers-reach-rows-through-services': 'threads/threads.controller.ts',
  'embedded-imports-development-dependencies-late': 'embedded/postgres.ts',
  'embedded-is-for-booting': 'threads/thread-database.ts',
  'entities-stay-in-their-room': 'threads/thread-copy.ts',
  'foundation-knows-no-feature': 'config/registry.ts',
  'generation-is-above-threads-messages-and-models': 'models/aliases.ts',
  'no-barrels': 'threads/thread-list.ts',
  'no-cycles': 'threads/export.ts',
  'no-deprecated-node-modules': 'threads/thread-title.ts',
  'no-orphans': 'threads/orphan.ts',
  'no-unresolvable-imports': 'threads/thread-search.ts',
  'process-input-is-for-entry-points': 'threads/thread-settings.ts',
  'production-imports-no-development-dependency': 'threads/thread-format.ts',
  'production-imports-no-test-code': 'threads/thread-person.ts',
  'providers-know-no-feature': 'llm-providers/provider-registry.ts',
  'queries-stay-in-repositories': 'messages/message-writer.ts',
  'repositories-stay-in-their-room': 'threads/thread-deletion.ts',
  'rules-know-no-http': 'generation/live-stream.ts',
  'services-only-pass-transactions-on': 'threads/threads.service.ts',
  'wire-is-imported-by-nobody': 'messages/context.ts',
};

async function cruise(directory: string, ...folders: string[]): Promise<ICruiseResult['summary']> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [program, '--config', rules, '--output-type', 'json', ...folders],
    { cwd: directory, maxBuffer: 64 * 1024 ** 2 },
  );
  return (JSON.parse(stdout) as ICruiseResult).summary; // As --output-type json promises.
}

const findings = ({ violations }: ICruiseResult['summary']) =>
  violations.map(({ rule, from }) => `${rule.name}: ${from}`).sort();

/** That they hold in this tree is `npm run check:deps`. */
describe('the dependency rules', () => {
  it('each report what was planted for them, and nothing else', async () => {
    const found = await cruise(path.join(import.meta.dirname, 'planted'), 'src', 'test');
    expect(findings(found)).toEqual(Object.entries(planted).map(([rule, file]) => `${rule}: src/${file}`));
    expect(found.ruleSetUsed?.forbidden?.map(({ name }) => name).sort()).toEqual(Object.keys(planted));
  });
});
