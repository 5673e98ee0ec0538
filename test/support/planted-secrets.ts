import { Canaries } from './canaries.js';

export const canaries = new Canaries();

/** What people, programs, providers and operators give Parley to keep, each distinct. */
export const secrets = {
  clientSecret: canaries.plant('OIDC client secret'),
  sessionSecret: canaries.plant('session secret'),
  providerKey: canaries.plant('provider API key'),
  connectionKey: canaries.plant('credential of a connection'),
  connectionHeader: canaries.plant('header value of a connection'),
  personalKey: canaries.plant('personal key'),
  setupToken: canaries.plant('wrong setup token'),
  password: canaries.plant('password'),
  newPassword: canaries.plant('new password'),
  wrongPassword: canaries.plant('wrong password'),
  passwordAsUsername: canaries.plant('password in the username field'),
  message: canaries.plant('message text'),
  title: canaries.plant('title of a thread'),
  bearer: canaries.plant('bearer credential'),
  apiKey: canaries.plant('x-api-key'),
  basic: canaries.plant('password of Basic'),
  query: canaries.plant('credential in a query'),
  path: canaries.plant('credential in a path'),
  cookie: canaries.plant('foreign cookie'),
  body: canaries.plant('value in a malformed body'),
  header: canaries.plant('value in a header'),
  code: canaries.plant('foreign authorization code'),
  provider: canaries.plant('what a provider says of itself'),
  logoutToken: canaries.plant('logout token'),
};
