import type { DomainError } from '../../common/domain-error.js';

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '');
}

const loginLink = '<p><a href="/app/login">Log in</a></p>\n';

/** What a browser sees when a login fails: the code and the request id, to tell the operator; and where to try again, if anywhere. No script, no style. */
export function errorPage(error: DomainError, requestId: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Parley: ${escapeHtml(error.code)}</title></head>
<body>
<h1>That did not work</h1>
<p>${escapeHtml(error.message)}</p>
<dl><dt>Code</dt><dd>${escapeHtml(error.code)}</dd><dt>Request</dt><dd>${escapeHtml(requestId)}</dd></dl>
${error.code === 'SINGLE_SIGN_ON_DISABLED' ? '' : loginLink}</body>
</html>
`;
}
