import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { roles, type Role } from '../../../common/owner.js';
import { MayBeAbsent } from '../../../infrastructure/http/optional.js';
import { IsText } from '../../../infrastructure/http/text-rules.js';
import { IsEmailAddress } from '../email-addresses.js';
import { longestPassword } from '../password-rules.js';
import { IsUsername, longestUsername } from '../usernames.js';

/** Far beyond any password, and little to compute on. */
const longestAttempt = 1000;

export class LogInDto {
  @ApiProperty({ maxLength: longestUsername })
  @IsText({ maximum: longestUsername })
  readonly username!: string;

  @ApiProperty({ maxLength: longestAttempt, format: 'password' })
  @IsText({ maximum: longestAttempt })
  readonly password!: string;
}

/** Who can log in by password, and how. */
export class AccountDto {
  @ApiProperty({ maxLength: longestUsername, description: 'Unique, whatever the case.' })
  @IsUsername()
  readonly username!: string;

  @ApiProperty({ minLength: 12, maxLength: longestPassword, format: 'password' })
  @IsText({ maximum: longestPassword })
  readonly password!: string;

  @ApiPropertyOptional({ maxLength: 200 })
  @MayBeAbsent()
  @IsText({ maximum: 200 })
  readonly displayName?: string;
}

export class CreateAccountDto extends AccountDto {
  @ApiPropertyOptional({ enum: roles, default: 'user' })
  @MayBeAbsent()
  @IsIn(roles)
  readonly role?: Role;

  @ApiPropertyOptional({ format: 'email', description: 'For display; never identifies.' })
  @MayBeAbsent()
  @IsEmailAddress()
  readonly email?: string;
}

export class ChangePasswordDto {
  @ApiProperty({ maxLength: longestAttempt, format: 'password' })
  @IsText({ maximum: longestAttempt })
  readonly currentPassword!: string;

  @ApiProperty({ minLength: 12, maxLength: longestPassword, format: 'password' })
  @IsText({ maximum: longestPassword })
  readonly newPassword!: string;
}

export class SetPasswordDto {
  @ApiProperty({ minLength: 12, maxLength: longestPassword, format: 'password' })
  @IsText({ maximum: longestPassword })
  readonly password!: string;
}
