import { Injectable } from '@nestjs/common';
import type { Caller } from '../auth/caller.js';
import { Clock } from '../common/clock.js';
import { DomainError } from '../common/domain-error.js';
import { isInDefaultTenant } from '../tenants/default-tenant.js';
import type { UsageRecordRow } from './usage-record.entity.js';
import { UsageReportRepository, type RecordPlace } from './usage-report.repository.js';
import type { Grouping, UsageGroup, UsageQuery, UsageReach } from './usage-report.js';

const dayMs = 24 * 60 * 60 * 1000;
const defaultDays = 30;
const maxDays = 400;
/** Groups of one report; who needs more narrows the question. */
const maxGroups = 5000;
const exportBatch = 1000;

/** What somebody asks to know; times that are left open are the last thirty days. */
export interface UsageWish extends Omit<UsageQuery, 'from' | 'to' | 'groupBy'> {
  readonly from?: Date | undefined;
  readonly to?: Date | undefined;
  readonly groupBy?: readonly Grouping[] | undefined;
  /** Of every tenant, for those who run the installation. */
  readonly allTenants?: boolean | undefined;
}

/** What was used: people see their own, admins their tenant, those of the default tenant all if they ask (administration.md, Usage). */
@Injectable()
export class UsageReports {
  constructor(
    private readonly reports: UsageReportRepository,
    private readonly clock: Clock,
  ) {}

  /** @throws DomainError USAGE_RANGE_INVALID, USAGE_GROUPS_TOO_MANY, FORBIDDEN */
  async report(caller: Caller, { groupBy = ['day'], ...wish }: UsageWish): Promise<readonly UsageGroup[]> {
    const query = { ...wish, ...this.range(wish), groupBy: [...new Set(groupBy)] };
    const groups = await this.reports.groups(reachOf(caller, wish), query, maxGroups + 1);
    if (groups.length > maxGroups) throw new DomainError('USAGE_GROUPS_TOO_MANY');
    return groups;
  }

  /**
   * The records themselves, the oldest first, some at a time.
   * @throws DomainError as `report`, with the first of them
   */
  async *records(
    caller: Caller,
    wish: UsageWish,
  ): AsyncGenerator<readonly UsageRecordRow[], void, undefined> {
    const query = { ...wish, ...this.range(wish) };
    const reach = reachOf(caller, wish);
    for (let after: RecordPlace | undefined; ;) {
      const records = await this.reports.records(reach, query, after, exportBatch);
      yield records;
      if (records.length < exportBatch) return;
      after = records.at(-1);
    }
  }

  private range({ from, to }: UsageWish): Pick<UsageQuery, 'from' | 'to'> {
    const end = to ?? this.clock.now();
    const start = from ?? new Date(end.getTime() - defaultDays * dayMs);
    const days = (end.getTime() - start.getTime()) / dayMs;
    if (days <= 0 || days > maxDays) throw new DomainError('USAGE_RANGE_INVALID', { details: { maxDays } });
    return { from: start, to: end };
  }
}

function reachOf(caller: Caller, { allTenants = false }: UsageWish): UsageReach {
  const { tenantId, userId, role } = caller;
  if (!allTenants) return role === 'admin' ? { tenantId } : { tenantId, userId };
  if (role !== 'admin' || !isInDefaultTenant(caller)) throw new DomainError('FORBIDDEN');
  return {};
}
