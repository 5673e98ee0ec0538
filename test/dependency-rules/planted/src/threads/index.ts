export * from './thread.entity.js';
