import { applyDecorators } from '@nestjs/common';
import { ArrayMaxSize, ArrayUnique, IsArray, Matches } from 'class-validator';

const maxTools = 200;
const toolName = /^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$/;

/** A list of names of tools, each once. */
export function IsToolList(): PropertyDecorator {
  return applyDecorators(
    IsArray(),
    ArrayMaxSize(maxTools),
    ArrayUnique(),
    Matches(toolName, { each: true, message: '$property must be names of tools' }),
  );
}
