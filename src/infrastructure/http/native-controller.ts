import { applyDecorators, Controller } from '@nestjs/common';
import { ApiDefaultResponse, ApiProperty, ApiPropertyOptional, ApiTags } from '@nestjs/swagger';
import { errorCatalogue } from '../../common/error-catalogue.js';

class FailureDto {
  @ApiProperty({ enum: Object.keys(errorCatalogue) })
  readonly code!: string;

  @ApiProperty({ description: 'For people. The code is the contract.' })
  readonly message!: string;

  @ApiProperty({ enum: [...new Set(Object.values(errorCatalogue).map(({ type }) => type))] })
  readonly type!: string;

  @ApiPropertyOptional({ description: 'Path of the offending field.' })
  readonly param?: string;

  @ApiPropertyOptional({ type: 'object', additionalProperties: true })
  readonly details?: Record<string, unknown>;
}

/** What every native route answers when it fails; made by `errorEnvelope`. */
class FailureEnvelopeDto {
  @ApiProperty({ enum: [false] })
  readonly success!: boolean;

  @ApiProperty({ type: FailureDto })
  readonly error!: FailureDto;

  @ApiProperty({ format: 'date-time' })
  readonly timestamp!: string;

  @ApiProperty()
  readonly requestId!: string;
}

/** A controller of the native API: under `/api` and, the same, under `/api/v1`; answers in the envelope (`ParleyAdapter`). */
export function NativeController(path: string, tag: string): ClassDecorator {
  return applyDecorators(
    Controller([`api/${path}`, `api/v1/${path}`]),
    ApiTags(tag),
    ApiDefaultResponse({ type: FailureEnvelopeDto, description: 'The status follows from the code.' }),
  );
}
