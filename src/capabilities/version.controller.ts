import { Get } from '@nestjs/common';
import { ApiProperty } from '@nestjs/swagger';
import { Authenticated } from '../auth/access.js';
import { Answers } from '../infrastructure/http/api-answer.js';
import { NativeController } from '../infrastructure/http/native-controller.js';
import { Limited } from '../rate-limits/rate-limit.js';
import { version } from '../version.js';

class VersionDto {
  @ApiProperty({ example: '1.0.0' })
  readonly version: string = version;

  @ApiProperty({ type: [String], description: 'As in the path, such as /api/v1.' })
  readonly apiVersions: readonly string[] = ['v1'];
}

@NativeController('version', 'Operations')
export class VersionController {
  @Get()
  @Authenticated()
  @Limited('version')
  @Answers(VersionDto)
  get(): VersionDto {
    return new VersionDto();
  }
}
