import { applyDecorators, HttpCode, type Type } from '@nestjs/common';
import { ApiExtraModels, ApiResponse, getSchemaPath, type ApiResponseSchemaHost } from '@nestjs/swagger';

type SchemaObject = Exclude<ApiResponseSchemaHost['schema'], { $ref: string }>;

interface AnswerOptions {
  readonly status?: 200 | 201 | 202;
  /** `page`: a list by cursor. `numbered`: a list by page number. `list`: a list without pages. */
  readonly shape?: 'one' | 'list' | 'page' | 'numbered';
}

/** One of several models, which a property tells apart. */
export interface OneOf {
  readonly property: string;
  /** By the values of the property. */
  readonly models: Readonly<Record<string, Type>>;
}

const paginationSchemas: Readonly<Partial<Record<string, SchemaObject>>> = {
  page: {
    type: 'object',
    required: ['cursor', 'limit', 'hasMore'],
    properties: {
      cursor: { type: 'string', nullable: true },
      limit: { type: 'integer' },
      hasMore: { type: 'boolean' },
      totalCount: { type: 'integer' },
    },
  },
  numbered: {
    type: 'object',
    required: ['page', 'pageSize', 'totalCount', 'hasMore'],
    properties: {
      page: { type: 'integer' },
      pageSize: { type: 'integer' },
      totalCount: { type: 'integer' },
      hasMore: { type: 'boolean' },
    },
  },
};

/** Sets the status of a native route and describes its answer, with the envelope around it. */
export function Answers(
  answer: Type | OneOf,
  { status = 200, shape = 'one' }: AnswerOptions = {},
): MethodDecorator {
  const pagination = paginationSchemas[shape];
  const models = typeof answer === 'function' ? [answer] : Object.values(answer.models);
  const item = typeof answer === 'function' ? { $ref: getSchemaPath(answer) } : schemaOf(answer);
  return applyDecorators(
    HttpCode(status),
    ApiExtraModels(...models),
    ApiResponse({
      status,
      schema: {
        type: 'object',
        required: ['success', 'data', 'timestamp', 'requestId'],
        properties: {
          success: { type: 'boolean', enum: [true] },
          data: shape === 'one' ? item : { type: 'array', items: item },
          ...(pagination === undefined ? {} : { pagination }),
          timestamp: { type: 'string', format: 'date-time' },
          requestId: { type: 'string' },
        },
      },
    }),
  );
}

function schemaOf({ property, models }: OneOf): SchemaObject {
  const mapping = Object.fromEntries(
    Object.entries(models).map(([value, model]) => [value, getSchemaPath(model)]),
  );
  const oneOf = [...new Set(Object.values(mapping))].map(($ref) => ({ $ref }));
  return { oneOf, discriminator: { propertyName: property, mapping } };
}
