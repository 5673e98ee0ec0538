import { ApiProperty } from '@nestjs/swagger';
import { toWireId } from '../../common/ids.js';
import type { ApiToken } from '../api-token.entity.js';
import { fieldsOf } from '../token-fields.js';
import { tokenPrefix } from '../token-format.js';
import type { IssuedToken } from '../tokens.service.js';

/** An API token, without its secret. */
export class TokenDto {
  @ApiProperty({ example: 'tok_01jd0v3kq9e8vb5t2m4y6z8a0c' })
  readonly id: string;

  @ApiProperty()
  readonly name: string;

  @ApiProperty({ example: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c', description: 'The user that it acts for.' })
  readonly ownerId: string;

  @ApiProperty({ description: `The characters after \`${tokenPrefix}\`, to recognise it by.` })
  readonly hint: string;

  @ApiProperty({ type: [String] })
  readonly scopes: readonly string[];

  @ApiProperty({ type: [String], nullable: true, description: 'Null for all that the owner may use.' })
  readonly models: readonly string[] | null;

  @ApiProperty({ type: [String], description: 'CIDR; empty for any.' })
  readonly allowedNetworks: readonly string[];

  @ApiProperty({ type: 'integer', nullable: true })
  readonly requestsPerMinute: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'In tokens, per calendar month in UTC. A call begins while less than this is spent or set aside for calls under way.',
  })
  readonly monthlyTokenBudget: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    description:
      'In micro-units of the accounting currency, per calendar month in UTC. A call begins while less than this is spent or set aside for calls under way.',
  })
  readonly monthlyCostBudget: number | null;

  @ApiProperty({
    example: 'user_01jd0v3kq9e8vb5t2m4y6z8a0c',
    description: 'Who may change it, beside admins; of a rotated token, who made the first.',
  })
  readonly createdBy: string;

  @ApiProperty({ format: 'date-time' })
  readonly createdAt: string;

  @ApiProperty({ format: 'date-time' })
  readonly expiresAt: string;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true })
  readonly revokedAt: string | null;

  @ApiProperty({ type: 'string', nullable: true, description: 'What it was rotated into.' })
  readonly successorId: string | null;

  @ApiProperty({ type: 'string', format: 'date-time', nullable: true, description: 'To the minute.' })
  readonly lastUsedAt: string | null;

  @ApiProperty({ type: 'string', nullable: true, example: '203.0.113.0/24' })
  readonly lastUsedNetwork: string | null;

  constructor(token: ApiToken) {
    const fields = fieldsOf(token);
    this.id = toWireId('token', token.id);
    this.name = fields.name;
    this.ownerId = toWireId('user', token.ownerId);
    this.hint = token.hint;
    this.scopes = fields.scopes;
    this.models = fields.models;
    this.allowedNetworks = fields.allowedNetworks;
    this.requestsPerMinute = fields.requestsPerMinute;
    this.monthlyTokenBudget = fields.monthlyTokenBudget;
    this.monthlyCostBudget = fields.monthlyCostBudget;
    this.createdBy = toWireId('user', token.createdBy);
    this.createdAt = token.createdAt.toISOString();
    this.expiresAt = token.expiresAt.toISOString();
    this.revokedAt = token.revokedAt?.toISOString() ?? null;
    this.successorId = token.successorId === null ? null : toWireId('token', token.successorId);
    this.lastUsedAt = token.lastUsedAt?.toISOString() ?? null;
    this.lastUsedNetwork = token.lastUsedIp;
  }
}

/** A new API token with its secret. */
export class IssuedTokenDto extends TokenDto {
  @ApiProperty({ description: 'The secret. It is shown this once and cannot be had again.' })
  readonly token: string;

  constructor({ token, secret }: IssuedToken) {
    super(token);
    this.token = secret;
  }
}
