import { Get, Inject } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { defaultProvider, identityProviders } from '../config/identity-providers.js';
import { isLocalLoginOn } from '../config/local-login.js';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Public } from './access.js';
import { SetupState } from './setup/setup-state.service.js';

class LoginMethodDto {
  @ApiProperty({ enum: ['oidc', 'password'] })
  readonly type: 'oidc' | 'password';

  @ApiProperty({ description: 'What the log-in button says.' })
  readonly label: string;

  @ApiProperty({
    description:
      'Of oidc: where the browser goes; takes `returnTo`, a path on this site, and `reauthenticate=true` to ask for proof again. Of password: where username and password are posted.',
  })
  readonly url: string;

  constructor(type: 'oidc' | 'password', label: string, url: string) {
    this.type = type;
    this.label = label;
    this.url = url;
  }
}

class InfoDto {
  @ApiProperty()
  readonly name: string = 'Parley';

  @ApiProperty({ type: [LoginMethodDto] })
  readonly loginMethods: readonly LoginMethodDto[];

  @ApiProperty({ description: 'Whether there is no admin yet: `POST /api/setup` makes the first.' })
  readonly setupDue: boolean;

  constructor(loginMethods: readonly LoginMethodDto[], setupDue: boolean) {
    this.loginMethods = loginMethods;
    this.setupDue = setupDue;
  }
}

/** What a client must know before anybody is logged in. */
@NativeController('info', 'Session and person')
export class InfoController {
  private readonly loginMethods: readonly LoginMethodDto[];

  constructor(
    @Inject(CONFIGURATION) config: BootConfiguration,
    private readonly setup: SetupState,
  ) {
    this.loginMethods = [
      ...identityProviders(config).map(
        ({ name, label }) =>
          new LoginMethodDto(
            'oidc',
            label,
            name === defaultProvider ? '/app/login' : `/app/login?provider=${name}`,
          ),
      ),
      ...(isLocalLoginOn(config)
        ? [new LoginMethodDto('password', 'Username and password', '/api/login')]
        : []),
    ];
  }

  @Get()
  @Public()
  @Answers(InfoDto)
  async info(): Promise<InfoDto> {
    return new InfoDto(this.loginMethods, await this.setup.isDue());
  }
}
