export * from './api/api.ts';
export * from './errors.ts';
export * from './event/event.ts';
export * from './event/limits.ts';
export * from './event/uuid.ts';
