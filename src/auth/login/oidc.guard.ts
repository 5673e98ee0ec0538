import { Injectable, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { Request, RequestHandler, Response } from 'express';
import passport from 'passport';
import type { CompletedLogin } from './login.service.js';
import { OidcStrategy } from './oidc.strategy.js';

/** A request that passed the `OidcGuard`. */
export type RequestWithLogin = Request & { readonly completedLogin: CompletedLogin };

/** Lets an answer of the provider through when it proves who somebody is. */
@Injectable()
export class OidcGuard implements CanActivate {
  private readonly authenticate: RequestHandler;

  constructor(strategy: OidcStrategy) {
    // Not Passport's default instance, which @nestjs/passport uses: all applications of a process would share its strategies.
    const authenticator = new passport.Passport();
    authenticator.use(strategy);
    const property = 'completedLogin' satisfies keyof RequestWithLogin;
    this.authenticate = authenticator.authenticate(strategy.name, {
      session: false,
      assignProperty: property,
      authInfo: false,
    }) as RequestHandler; // Passport types it as any.
  }

  canActivate(context: ExecutionContext): Promise<boolean> {
    const http = context.switchToHttp();
    return new Promise((resolve, reject) => {
      const next = (error?: unknown) => {
        if (error === undefined) resolve(true);
        else reject(error instanceof Error ? error : new Error('login failed', { cause: error }));
      };
      void this.authenticate(http.getRequest<Request>(), http.getResponse<Response>(), next);
    });
  }
}
