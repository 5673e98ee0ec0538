import { setting, type Setting } from '../setting.js';
import { integer } from '../value-types.js';

const perMinute = integer({ minimum: 0, maximum: 1_000_000, unit: 'requests' });

function limit(requests: number, of: string): Setting<number> {
  return setting(perMinute, {
    default: requests,
    description: `Requests per minute to ${of}; 0 for no limit.`,
  });
}

/** Requests per minute by user, token or IP (http-api.md, Rate limits). */
export const rateLimitSettings = {
  'rateLimit.login': limit(5, 'POST /api/login, and setup, by IP'),
  'rateLimit.loginPerAccount': limit(10, 'POST /api/login for one account, from anywhere'),
  'rateLimit.backChannelLogout': limit(
    6000,
    'POST /app/logout/backchannel, by IP: of a provider that logs everybody out',
  ),
  'rateLimit.health': limit(10, 'GET /api/health, by IP'),
  'rateLimit.version': limit(30, 'GET /api/version'),
  'rateLimit.profileRead': limit(60, 'GET /api/profile'),
  'rateLimit.profileWrite': limit(20, 'PATCH /api/profile'),
  'rateLimit.profileApiKeys': limit(5, 'POST /api/profile/api-keys'),
  'rateLimit.modelsRead': limit(60, 'GET /api/models'),
  'rateLimit.modelStatus': limit(30, 'GET /api/models/:id/status'),
  'rateLimit.modelLoad': limit(3, 'POST /api/models/:id/load'),
  'rateLimit.threadsList': limit(100, 'GET /api/threads'),
  'rateLimit.threadsCreate': limit(10, 'POST /api/threads'),
  'rateLimit.threadRead': limit(60, 'GET /api/threads/:id'),
  'rateLimit.threadDelete': limit(5, 'DELETE /api/threads/:id'),
  'rateLimit.threadRename': limit(20, 'PATCH /api/threads/:id/title'),
  'rateLimit.messagesRead': limit(100, 'lists of messages'),
  'rateLimit.messagesPost': limit(20, 'POST of messages'),
  'rateLimit.summarize': limit(5, 'POST …/summarize'),
  'rateLimit.v1': limit(120, 'each route of the compatible APIs under /v1'),
  'rateLimit.other': limit(120, 'any other route'),
} satisfies Readonly<Record<string, Setting>>;
