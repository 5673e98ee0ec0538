import type { Request } from 'express';
import '../generation/generation.service.js';

export type Asked = Request;
