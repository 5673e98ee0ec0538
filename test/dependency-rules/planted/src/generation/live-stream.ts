import type { Response } from 'express';

export type Reader = Response;
