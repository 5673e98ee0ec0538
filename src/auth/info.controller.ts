import { Get, Inject } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { CONFIGURATION, type BootConfiguration } from '../config/registry.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Public } from './access.js';

class LoginMethodDto {
  @ApiProperty({ enum: ['oidc'] })
  readonly type: string = 'oidc';

  @ApiProperty({ description: 'What the log-in button says.' })
  readonly label: string;

  @ApiProperty({ description: 'Where the browser goes; takes `returnTo`, a path on this site.' })
  readonly url: string = '/app/login';

  constructor(label: string) {
    this.label = label;
  }
}

class InfoDto {
  @ApiProperty()
  readonly name: string = 'Parley';

  @ApiProperty({ type: [LoginMethodDto] })
  readonly loginMethods: readonly LoginMethodDto[];

  constructor(loginMethods: readonly LoginMethodDto[]) {
    this.loginMethods = loginMethods;
  }
}

/** What a client must know before anybody is logged in. */
@NativeController('info', 'Session and person')
export class InfoController {
  constructor(@Inject(CONFIGURATION) private readonly config: BootConfiguration) {}

  @Get()
  @Public()
  @Answers(InfoDto)
  info(): InfoDto {
    return new InfoDto([new LoginMethodDto(this.config['oidc.label'])]);
  }
}
