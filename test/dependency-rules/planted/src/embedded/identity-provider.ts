import type Provider from 'oidc-provider';

export async function start(): Promise<Provider> {
  const oidc = await import('oidc-provider');
  return new oidc.default('http://localhost');
}
