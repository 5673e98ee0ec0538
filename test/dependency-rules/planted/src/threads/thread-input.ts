import type { ProcessInput } from '../config/process-input.js';

export type Input = ProcessInput;
