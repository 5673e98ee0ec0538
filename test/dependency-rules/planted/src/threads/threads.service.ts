import { EntityManager } from 'typeorm';

export const manager = EntityManager;
