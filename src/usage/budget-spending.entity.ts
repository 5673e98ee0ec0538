import { Column, Entity, PrimaryColumn } from 'typeorm';

/** What was spent of a budget in a calendar month in UTC, and what is set aside for calls under way. */
@Entity('budget_spending')
export class BudgetSpending {
  @PrimaryColumn('uuid', { primaryKeyConstraintName: 'pk_budget_spending' })
  budgetId!: string;

  @PrimaryColumn('date', { primaryKeyConstraintName: 'pk_budget_spending' })
  month!: string;

  @Column('bigint')
  tokens!: string;

  @Column('bigint')
  costMicros!: string;

  @Column('bigint')
  reservedTokens!: string;

  @Column('bigint')
  reservedMicros!: string;
}
