import { Body, Delete, Get, Param, Patch, Post, Query } from '@nestjs/common';
import { Requires } from '../auth/access.js';
import { CurrentCaller, type Caller } from '../auth/caller.js';
import { fromWireId } from '../common/ids.js';
import type { NumberedPage } from '../common/numbered-page.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { IdPipe } from '../infrastructure/http/id.pipe.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { ChangeTokenDto, CreateTokenDto, ListTokensDto, RotateTokenDto } from './dto/token-requests.dto.js';
import { IssuedTokenDto, TokenDto } from './dto/token.dto.js';
import { normaliseNetwork } from './networks.js';
import { TokensService } from './tokens.service.js';

const tokenId = new IdPipe('token', 'TOKEN_NOT_FOUND');

/** API tokens: the caller's own, or for an admin all of their tenant. */
@NativeController('tokens', 'Administration')
export class TokensController {
  constructor(private readonly tokens: TokensService) {}

  @Post()
  @Requires('tokens:write')
  @Answers(IssuedTokenDto, { status: 201 })
  async issue(@CurrentCaller() caller: Caller, @Body() body: CreateTokenDto): Promise<IssuedTokenDto> {
    const { ownerId, serviceAccount, models, requestsPerMinute, ...rest } = body;
    const { monthlyTokenBudget, monthlyCostBudget, allowedNetworks, expiresAt, ...fields } = rest;
    const issued = await this.tokens.issue(
      caller,
      {
        ...fields,
        models: models ?? null,
        allowedNetworks: networksOf(allowedNetworks ?? []),
        requestsPerMinute: requestsPerMinute ?? null,
        monthlyTokenBudget: monthlyTokenBudget ?? null,
        monthlyCostBudget: monthlyCostBudget ?? null,
        expiresAt: new Date(expiresAt),
      },
      { ownerId: userIdOf(ownerId), serviceAccount },
    );
    return new IssuedTokenDto(issued);
  }

  @Get()
  @Requires('tokens:read')
  @Answers(TokenDto, { shape: 'numbered' })
  async list(
    @CurrentCaller() caller: Caller,
    @Query() { page, page_size: pageSize, ownerId }: ListTokensDto,
  ): Promise<NumberedPage<TokenDto>> {
    const tokens = await this.tokens.list(caller, { page, pageSize, ownerId: userIdOf(ownerId) });
    return tokens.map((token) => new TokenDto(token));
  }

  @Get(':tokenId')
  @Requires('tokens:read')
  @Answers(TokenDto)
  async get(@CurrentCaller() caller: Caller, @Param('tokenId', tokenId) id: string): Promise<TokenDto> {
    return new TokenDto(await this.tokens.get(caller, id));
  }

  @Patch(':tokenId')
  @Requires('tokens:write')
  @Answers(TokenDto)
  async change(
    @CurrentCaller() caller: Caller,
    @Param('tokenId', tokenId) id: string,
    @Body() { allowedNetworks, expiresAt, ...fields }: ChangeTokenDto,
  ): Promise<TokenDto> {
    const token = await this.tokens.change(caller, id, {
      ...fields,
      allowedNetworks: allowedNetworks === undefined ? undefined : networksOf(allowedNetworks),
      expiresAt: timeOf(expiresAt),
    });
    return new TokenDto(token);
  }

  @Delete(':tokenId')
  @Requires('tokens:write')
  @Answers(TokenDto)
  async revoke(@CurrentCaller() caller: Caller, @Param('tokenId', tokenId) id: string): Promise<TokenDto> {
    return new TokenDto(await this.tokens.revoke(caller, id));
  }

  @Post(':tokenId/rotate')
  @Requires('tokens:write')
  @Answers(IssuedTokenDto, { status: 201 })
  async rotate(
    @CurrentCaller() caller: Caller,
    @Param('tokenId', tokenId) id: string,
    @Body() { overlapSeconds, expiresAt }: RotateTokenDto,
  ): Promise<IssuedTokenDto> {
    const rotation = { overlapSeconds, expiresAt: timeOf(expiresAt) };
    return new IssuedTokenDto(await this.tokens.rotate(caller, id, rotation));
  }
}

function userIdOf(wireId: string | undefined): string | undefined {
  return wireId === undefined ? undefined : fromWireId('user', wireId);
}

function timeOf(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

/** As they are written in one way only; the DTO has refused what is none. */
function networksOf(texts: readonly string[]): string[] {
  return texts.map(normaliseNetwork).filter((network) => network !== undefined);
}
