import { generateKeyPair, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import type Provider from 'oidc-provider';
import type { AdapterPayload, Configuration, Interaction, JWK, KoaContextWithOIDC } from 'oidc-provider';
import { ConfigurationError } from '../config/configuration-error.js';
import { developmentPeople, type DevelopmentPerson } from './development-people.js';
import { IdentityPages, type Page } from './identity-pages.js';
import { IdentityStore } from './identity-store.js';

export interface DevelopmentIdentityProvider {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string;
  readonly people: readonly DevelopmentPerson[];
  stop(): Promise<void>;
}

interface RelyingParty {
  readonly redirectUris: readonly string[];
  readonly postLogoutRedirectUris: readonly string[];
  readonly backchannelLogoutUri?: string;
}

const clientId = 'parley';
const hourSeconds = 60 * 60;
const daySeconds = 24 * hourSeconds;

/**
 * Runs a real OpenID provider on `http://localhost:<port>`, reachable from this machine only, where anyone may be
 * any of four people. PKCE (S256) is required, consent is implied, and every login asks who you are, unless
 * `prompt=none` asks for whoever is logged in.
 * @param port 0 takes any free one
 * @param signingKey JWK text of `makeSigningKey`: when kept, ID tokens of before a restart are still good logout hints
 * @throws ConfigurationError when the port is taken or oidc-provider is not installed (production images lack it)
 */
export async function startDevelopmentIdentityProvider(
  options: RelyingParty & {
    readonly port: number;
    readonly signingKey?: string;
    readonly log: (message: string) => void;
  },
): Promise<DevelopmentIdentityProvider> {
  const oidc = await importOidcProvider();
  const server = createServer();
  const issuer = `http://localhost:${await listen(server, options.port)}`;
  const clientSecret = randomBytes(32).toString('base64url');
  const pages = new IdentityPages(options.redirectUris.map((uri) => new URL(uri).origin));
  const provider = new oidc.default(issuer, {
    ...clientConfiguration(options, clientSecret),
    ...storageConfiguration(JSON.parse(options.signingKey ?? (await makeSigningKey())) as JWK),
    ...personConfiguration(oidc),
    ...pageConfiguration(pages),
  });
  provider.on('backchannel.error', (_ctx, error) => {
    options.log(`The development identity provider could not announce a logout: ${error.message}`);
  });
  provider.on('server_error', (_ctx, error) => {
    options.log(`The development identity provider failed: ${String(error.stack)}`);
  });
  const speakProtocol = provider.callback();
  const askWho = interactionHandler(provider, pages, options.log);
  server.on('request', (request, response) => {
    void (request.url?.startsWith('/interaction/') ? askWho : speakProtocol)(request, response);
  });
  return {
    issuer,
    clientId,
    clientSecret,
    people: developmentPeople,
    async stop() {
      server.closeAllConnections();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** A new private key for signing ID tokens, as JWK text. */
export async function makeSigningKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 });
  return JSON.stringify({ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' });
}

async function importOidcProvider(): Promise<typeof import('oidc-provider')> {
  try {
    return await import('oidc-provider');
  } catch {
    throw new ConfigurationError([
      {
        key: 'oidc.issuer',
        expected: 'to be set: oidc-provider, a development dependency, is not installed',
      },
    ]);
  }
}

/** Binds the server to IPv4 loopback, which `localhost` leads to everywhere, and returns its port. */
async function listen(server: Server, port: number): Promise<number> {
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error; // What listen() emits.
    throw new ConfigurationError([
      { key: 'oidc.issuer', expected: `to be set, or embedded.identityPort (${port}) to be a free port` },
    ]);
  }
  const address = server.address();
  return typeof address === 'object' && address ? address.port : port;
}

function clientConfiguration(party: RelyingParty, clientSecret: string): Configuration {
  return {
    clients: [
      {
        client_id: clientId,
        client_secret: clientSecret,
        client_name: 'Parley',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [...party.redirectUris],
        post_logout_redirect_uris: [...party.postLogoutRedirectUris],
        ...(party.backchannelLogoutUri && {
          backchannel_logout_uri: party.backchannelLogoutUri,
          backchannel_logout_session_required: true,
        }),
      },
    ],
    pkce: { required: () => true },
    // Like Keycloak, and unlike the default, without asking for offline_access; they end with the session.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    // By default nothing on a loopback address is called; the only calls are back-channel logouts.
    fetch: (url, { dispatcher: _refusesLoopback, ...init } = {}) => fetch(url, init),
  };
}

function storageConfiguration(signingKey: JWK): Configuration {
  const kept = new Map<string, AdapterPayload>();
  return {
    adapter: (model) => new IdentityStore(model, kept),
    jwks: { keys: [signingKey] },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      // Cookies know no ports: Parley's are sent to this server too, and these to Parley.
      names: {
        session: 'development_idp_session',
        interaction: 'development_idp_interaction',
        resume: 'development_idp_resume',
      },
    },
    ttl: {
      AccessToken: hourSeconds,
      IdToken: hourSeconds,
      Interaction: hourSeconds,
      Grant: 14 * daySeconds,
      RefreshToken: 14 * daySeconds,
      Session: 14 * daySeconds,
    },
  };
}

function personConfiguration({ interactionPolicy }: typeof import('oidc-provider')): Configuration {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check(
        'always_asked',
        'Every login asks who you are',
        ({ oidc }) => !oidc.result?.login && !oidc.prompts.has('none'),
      ),
    );
  return {
    interactions: { policy, url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    claims: {
      openid: ['sub', 'groups'],
      profile: ['name', 'preferred_username'],
      email: ['email', 'email_verified'],
    },
    // Claims are in the ID token as well as at userinfo.
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => {
      const person = developmentPeople.find((candidate) => candidate.sub === sub);
      return person && { accountId: sub, claims: () => ({ ...person }) };
    },
    loadExistingGrant,
  };
}

/** Consent to whatever is asked for. */
async function loadExistingGrant({ oidc }: KoaContextWithOIDC) {
  const grant = new oidc.provider.Grant({
    clientId: oidc.client?.clientId,
    accountId: oidc.account?.accountId,
  });
  grant.addOIDCScope('openid profile email offline_access');
  await grant.save();
  return grant;
}

function pageConfiguration(pages: IdentityPages): Configuration {
  function show(ctx: KoaContextWithOIDC, { html, headers }: Page): void {
    ctx.set(headers);
    ctx.body = html;
  }
  return {
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => show(ctx, pages.logout(form)),
        postLogoutSuccessSource: (ctx) => show(ctx, pages.loggedOut()),
      },
    },
    renderError: (ctx, { error, error_description: description }) =>
      show(ctx, pages.failure(`${error}: ${description ?? ''}`)),
  };
}

/** Shows who can be chosen, or logs the chosen person in (POST with the form field `person`). */
function interactionHandler(provider: Provider, pages: IdentityPages, log: (message: string) => void) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const interaction = await provider.interactionDetails(request, response);
      const chosen = new URLSearchParams(request.method === 'POST' ? await text(request) : '').get('person');
      const person = developmentPeople.find(({ sub }) => sub === chosen);
      if (person) {
        await endOtherSession(provider, interaction, person);
        const login = { accountId: person.sub, remember: false };
        await provider.interactionFinished(request, response, { login });
      } else {
        send(response, 200, pages.chooser(developmentPeople));
      }
    } catch (error) {
      log(`The development identity provider refused a choice: ${String(error)}`);
      send(response, 400, pages.failure('This login is over, or it began in another browser.'));
    }
  };
}

/**
 * Ends the session of somebody else in this browser. Otherwise oidc-provider does, after a page that needs a script.
 * The interaction must forget that session, or it is refused as begun in another one.
 */
async function endOtherSession(provider: Provider, interaction: Interaction, person: DevelopmentPerson) {
  const { session } = interaction;
  if (!session || session.accountId === person.sub) return;
  await (await provider.Session.findByUid(session.uid))?.destroy();
  delete interaction.session;
  await interaction.persist();
}

function send(response: ServerResponse, status: number, { html, headers }: Page): void {
  response.writeHead(status, headers).end(html);
}
