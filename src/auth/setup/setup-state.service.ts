import { createHmac, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Clock } from '../../common/clock.js';
import { CONFIGURATION, type BootConfiguration } from '../../config/registry.js';
import { defaultTenantId } from '../../tenants/default-tenant.js';
import { LocalPeople } from '../../users/local-people.service.js';
import { InstallationRepository } from './installation.repository.js';

/** Whether somebody still has to become the first admin, and by which token (identity.md, First run). */
@Injectable()
export class SetupState {
  /** Never true again once it was false. */
  private mayBeDue = true;

  constructor(
    private readonly installation: InstallationRepository,
    private readonly people: LocalPeople,
    @Inject(CONFIGURATION) private readonly config: BootConfiguration,
    private readonly clock: Clock,
  ) {}

  /** No query once it is over. An admin who came by other means, such as a group, ends it for good. */
  async isDue(): Promise<boolean> {
    if (!this.mayBeDue) return false;
    const { setupCompletedAt } = await this.installation.get();
    if (setupCompletedAt === null && !(await this.people.hasAdmin(defaultTenantId))) return true;
    if (setupCompletedAt === null) await this.installation.complete(this.clock.now());
    this.mayBeDue = false;
    return false;
  }

  /**
   * Ends the setup in the transaction, whoever makes use of it: one row decides, on all replicas.
   * @returns whether the caller is the first, and there is no admin yet
   */
  async claim(db: EntityManager): Promise<boolean> {
    const isFirst = await this.installation.complete(this.clock.now(), db);
    return isFirst && !(await this.people.hasAdmin(defaultTenantId, db));
  }

  /** What to print while setup is due: the same on every replica that signs with the same key. */
  async token(): Promise<string> {
    const { setupSalt } = await this.installation.get();
    return tokenOf(this.config['session.secrets'][0] ?? '', setupSalt);
  }

  /** By any of the keys: replicas may be in the middle of a rotation. Takes as long for every wrong token. */
  async isToken(token: string): Promise<boolean> {
    const { setupSalt } = await this.installation.get();
    const matches = this.config['session.secrets'].map((secret) => isSame(token, tokenOf(secret, setupSalt)));
    return matches.includes(true);
  }
}

function tokenOf(secret: string, salt: string): string {
  return createHmac('sha256', secret).update(`parley setup${salt}`).digest('base64url');
}

function isSame(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}
